// The one place where errors are printed: what is wrong, where, what to type next.

import { BusyError, DflowError, EXIT, messageOf, UnreachableError } from '../../util/errors.ts';
import { SqlError } from '../../util/sqlite.ts';
import { ownError } from '../../util/systemerrors.ts';
import { withoutSecrets } from '../../util/text/secrets.ts';
import { page } from '../../util/text/terminal.ts';
import { field } from '../../util/values/field.ts';
import { wrongFlags } from '../arguments/wrongflags.ts';
import { noWorkingFolder } from '../workingfolder.ts';
import { print } from './live.ts';

/** Exit code of a defect: an error that dflow did not mean. */
const DEFECT = 70;

/** What is printed on stderr for an error, and the exit code of the process. */
export interface ErrorReport {
  readonly lines: readonly string[];
  readonly exit: number;
}

/** Prints the error on stderr; returns the exit code. The stack is shown with `DEBUG=dflow` only. */
export function report(error: unknown): number {
  const { lines, exit } = describe(error);
  for (const line of lines) print(() => process.stderr.write(`${page(withoutSecrets(line))}\n`));
  const stack = error instanceof Error ? error.stack : undefined;
  if (stack && lines.length > 0 && /\bdflow\b|\*/.test(process.env.DEBUG ?? '')) {
    process.stderr.write(`${page(withoutSecrets(stack))}\n`);
  }
  return exit;
}

/** What is wrong, in one line; `undefined`: nothing is, as after --help. */
export function oneLineOf(error: unknown): string | undefined {
  return describe(error)
    .lines[0]?.replace(/^Error: /, '')
    .replace(/\s*\n\s*/g, ' ');
}

/** The exit code of anything that was thrown. */
export function exitOf(error: unknown): number {
  return describe(error).exit;
}

/** True for a command line that the parser refuses. */
export function isMistyped(error: unknown): boolean {
  return field(error, 'oclif') !== undefined && field(error, 'code') !== 'EEXIT';
}

/** The lines and exit code of anything that was thrown. Pure. */
export function describe(thrown: unknown): ErrorReport {
  const error = wrongFlags(meantBy(thrown));
  if (error instanceof DflowError) {
    const lines = [`Error: ${error.message}`];
    if (error.where) lines.push(`where: ${error.where}`);
    if (error.hint) lines.push(`Next: ${error.hint}`);
    return { lines, exit: error.exit };
  }
  const framework = field(error, 'oclif');
  if (!framework) {
    const lines = [`Error: ${messageOf(error)}`, 'Next: this is a defect of dflow; DEBUG=dflow shows where'];
    return { lines, exit: DEFECT };
  }
  if (field(error, 'code') === 'EEXIT') return { lines: [], exit: Number(field(framework, 'exit') ?? 0) };
  return { lines: usageLines(messageOf(error)), exit: EXIT.usage };
}

/** What the machine says is not a defect: a system error that nobody has given a meaning, and one of SQLite. */
function meantBy(error: unknown): unknown {
  if (field(error, 'syscall') === 'uv_cwd') return noWorkingFolder(error);
  if (isReplaced(error)) {
    const hint = 'repeat the command; if it fails again, install dflow again';
    return new BusyError('dflow was replaced on disk while this command ran', { cause: error, hint });
  }
  if (error instanceof SqlError) return new UnreachableError(`SQLite: ${error.message}`, { cause: error });
  return ownError(error, undefined, UnreachableError);
}

/** A part of the program that is loaded late is no longer there: a new version was installed meanwhile. */
function isReplaced(error: unknown): boolean {
  const code = field(error, 'code');
  return (
    (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && /\/dist\/[^']*\.js'/.test(messageOf(error))
  );
}

/** What oclif says of a command line, as this program says it: what is wrong, then where help is. */
function usageLines(message: string): string[] {
  const [first = '', ...rest] = message
    .split('\n')
    .map((line) => line.trim())
    .filter(
      (line) => line !== '' && !/^(See more help|Note: |Alternatively, |The following errors? occurred)/.test(line),
    )
    .map((line) => line.replace(/^Missing (1 required arg|\d+ required args):$/, 'an argument is missing:'));
  const all = first.endsWith(':') ? [[first, ...rest].join(' ')] : [first, ...rest];
  return [`Error: ${all.join('; ')}`, 'Next: the same command with --help'];
}
