// Calls of Slurm's commands, each with a time limit and a clean environment. What fails is unreachable: unknown.

import { UnreachableError } from '../../util/errors.ts';
import { type ExecResult, exec } from '../../util/processes/exec.ts';
import { given } from '../../util/values/given.ts';
import { strangeNames } from './commands.ts';
import { lastWords } from './parse.ts';

export type Run = (program: string, args: readonly string[], input?: string) => Promise<ExecResult>;

/** `timeout`: milliseconds of one call. */
export function runner(timeout: number): Run {
  return (program, args, input) => {
    const without = strangeNames(Object.keys(process.env)).flatMap((name) => ['-u', name]);
    // Task lists in full: squeue cuts them at 64 characters.
    return exec('env', [...without, 'SLURM_BITSTR_LEN=0', program, ...args], {
      timeout,
      ...given({ input }),
    });
  };
}

/** The same, and it must succeed. @throws UnreachableError with Slurm's own words */
export async function must(run: Run, program: string, args: readonly string[], input?: string): Promise<ExecResult> {
  const result = await run(program, args, input);
  if (result.failure !== undefined) throw unreachable(program, result);
  return result;
}

export function unreachable(program: string, result: ExecResult): UnreachableError {
  // `env` answers 127 for a program that it cannot find.
  const missing = result.exit === 127;
  const words = lastWords(result.stderr) || (result.failure ?? 'it printed something unexpected');
  const how = result.failure === undefined || words === result.failure ? '' : ` (${result.failure})`;
  return new UnreachableError(`${program}: ${words}${how}`, {
    hint: missing ? `load Slurm's environment: ${program} must be on PATH` : 'scontrol ping',
  });
}
