// Where `dflow init` puts copies: ./store, or, where that would lie in the folder of raw files, a folder beside it.
import { constants, readdirSync } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { UsageError } from '../../../util/errors.ts';
import { locate, relation } from '../../../util/files/mounts/nesting.ts';
import { codeOf } from '../../../util/systemerrors.ts';
import { outside } from '../findings/nesting.ts';

/** The folder of an experiment that was here before is not taken. */
const NAMES = ['store', ...Array.from({ length: 8 }, (_, index) => `store-${index + 2}`)];

/**
 * The folder for copies as dflow.yaml shall have it. `said`: what the operator wants.
 * @throws UsageError when it would share a folder with the raw files, or none can be made beside them
 */
export async function initStorage(folder: string, from: string, said?: string): Promise<string> {
  const raw = await locate(resolve(folder, from));
  const clear = async (path: string) => relation(await locate(resolve(folder, path)), raw) === undefined;
  const wanted = said ?? './store';
  if (await clear(wanted)) return wanted;
  const hint = `choose a FOLDER outside of '${raw.path}', then: dflow init --from ${from} --storage FOLDER`;
  if (said !== undefined)
    throw new UsageError(`'${said}' shares a folder with the raw files`, { where: raw.path, hint });
  for (const name of NAMES) {
    const beside = outside(raw.path, name);
    if (beside !== undefined && (await canBeMade(beside)) && (await clear(beside))) return relative(folder, beside);
  }
  throw new UsageError('copies cannot be put below the folder of raw files', { where: raw.path, hint });
}

/** True for a folder that is empty, or not there and can be made. */
async function canBeMade(path: string): Promise<boolean> {
  try {
    return readdirSync(path).length === 0;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') return false;
  }
  return access(dirname(path), constants.W_OK).then(
    () => true,
    () => false,
  );
}
