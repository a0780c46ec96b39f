// Calls of HTCondor's commands, each with a time limit. What fails is unreachable: unknown.

import { UnreachableError } from '../../util/errors.ts';
import { type ExecResult, exec } from '../../util/processes/exec.ts';
import { given } from '../../util/values/given.ts';
import { lastWords } from './parse.ts';

export type Run = (program: string, args: readonly string[], input?: string) => Promise<ExecResult>;

/** `timeout`: milliseconds of one call. Nothing of `DFLOW_...` (credentials among it) is for a job. */
export function runner(timeout: number): Run {
  return (program, args, input) => {
    const without = Object.keys(process.env).filter((name) => name.startsWith('DFLOW_'));
    const words = without.flatMap((name) => ['-u', name]);
    return exec('env', [...words, program, ...args], { timeout, ...given({ input }) });
  };
}

/** The same, and it must succeed. @throws UnreachableError with HTCondor's own words */
export async function must(run: Run, program: string, args: readonly string[]): Promise<string> {
  const result = await run(program, args);
  if (result.failure !== undefined) throw unreachable(program, result);
  return result.stdout;
}

export function unreachable(program: string, result: ExecResult): UnreachableError {
  // `env` answers 127 for a program that it cannot find.
  const missing = result.exit === 127;
  const words = lastWords(result.stderr) || (result.failure ?? 'it printed something unexpected');
  const how = result.failure === undefined || words === result.failure ? '' : ` (${result.failure})`;
  return new UnreachableError(`${program}: ${words}${how}`, {
    hint: missing ? `load HTCondor's environment: ${program} must be on PATH` : 'condor_q -totals',
  });
}
