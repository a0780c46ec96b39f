// Saved plans as files: never overwritten, and read whole before anything is done.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { type PlanFile, parsePlan, planLines } from '../../domain/jobs/requests/planfile.ts';
import { UsageError } from '../../util/errors.ts';
import { codeOf, ownError } from '../../util/systemerrors.ts';
import { shellWord } from '../../util/text/shell.ts';
import { readBytes } from '../arguments/input.ts';

/** @throws UsageError the file exists: somebody may have reviewed it */
export function refuseOverwrite(path: string): void {
  if (existsSync(path)) throw exists(path);
}

function exists(path: string): UsageError {
  return new UsageError('the file exists, and a saved plan is not overwritten', {
    where: path,
    hint: `another name after --plan, or first: rm ${shellWord(path)}`,
  });
}

export async function savePlanFile(path: string, plan: PlanFile): Promise<void> {
  try {
    await writeFile(path, [...planLines(plan)].join(''), { flag: 'wx' });
  } catch (error) {
    throw codeOf(error) === 'EEXIST' ? exists(path) : ownError(error, path);
  }
}

/** @throws UsageError the file is not a plan, or was edited after it was saved */
export async function readPlanFile(path: string): Promise<PlanFile> {
  return parsePlan((await readBytes(path)).toString('utf8'), path);
}
