// Where the program starts and ends: runs the command, prints whatever was thrown in one place, says the exit code.
// Knows no command.
import { fileURLToPath } from 'node:url';
import { Config, flush, run } from '@oclif/core';
import { stop } from '../util/processes/stopping.ts';
import { codeOf, ownError } from '../util/systemerrors.ts';
import { misspelt } from './arguments/misspelt.ts';
import { joinLoop, tellLoop, thisRound } from './loop/round.ts';
import { endWithoutTerminal } from './output/closedterminal.ts';
import { heedNoColor } from './output/colour.ts';
import { isMistyped, oneLineOf, report } from './output/report.ts';

/** Runs the command line of this process; `url` is that of bin/run.js, which lies one folder below the package. */
export async function main(url: string): Promise<void> {
  endWithoutTerminal();
  heedNoColor(process.env);
  endOnSignals();
  const output = watchOutput();
  process.once('uncaughtException', (error) => process.exit(report(error)));
  let commands: readonly string[] = [];
  try {
    const config = await Config.load({ root: fileURLToPath(new URL('..', url)) });
    config.pjson.oclif.helpClass = './dist/help.js';
    commands = config.commandIDs;
    await run(process.argv.slice(2), config);
    await nextTurn();
    // A closed pipe or a full disk never drains: waiting for it would end the process with Node's own code 13.
    if (process.stdout.writable && output.fault === undefined) await flush();
  } catch (error) {
    // Who waits for the output to be written is told of its error, too.
    if (output.fault === undefined || codeOf(error) !== codeOf(output.fault))
      process.exitCode = report(misspelt(error, commands));
    thisRound()?.failedWith(error, oneLineOf(error), isMistyped(error));
  }
  await tellLoop();
  await nextTurn();
  if (output.fault === undefined) return;
  const lost = report(ownError(output.fault, 'standard output cannot be written'));
  process.exitCode ||= lost;
}

/** An error of the last write is told then. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A second signal ends at once. The loop of a round and a signal to all its processes are one wish. */
function endOnSignals(): void {
  let signaled = false;
  let told = false;
  for (const [name, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(name, () => {
      if (signaled || !told) stop(() => process.exit(code));
      signaled = true;
    });
  }
  joinLoop(() => {
    if (!signaled && !told) stop(() => process.exit(143));
    told = true;
  });
}

/**
 * A reader that closed the pipe (`| head -1`) is not an error: a changing command goes on silently until its batch is done,
 * one that only reads ends at its next line (output.ts). So it is with a full disk, which is said at the end.
 */
function watchOutput(): { fault?: unknown } {
  const seen: { fault?: unknown } = {};
  // The framework's own listener throws, in the middle of a batch.
  process.stdout.removeAllListeners('error');
  process.stdout.on('error', (error) => {
    // A terminal that was closed says EIO.
    const unread = codeOf(error) === 'EPIPE' || (codeOf(error) === 'EIO' && process.stdout.isTTY);
    if (!unread) seen.fault ??= error;
  });
  // Where nobody can be told, nothing is.
  process.stderr.on('error', () => undefined);
  return seen;
}
