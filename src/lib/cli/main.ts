// Where the program starts and ends: runs the command, prints whatever was thrown in one place, says the exit code.
// Knows no command.
import { fileURLToPath } from 'node:url';
import { Config, flush, run } from '@oclif/core';
import { report } from './report.ts';

/** Runs the command line of this process; `url` is that of bin/run.js, which lies one folder below the package. */
export async function main(url: string): Promise<void> {
  endOnSignals();
  endOnClosedPipe();
  try {
    const config = await Config.load({ root: fileURLToPath(new URL('..', url)) });
    config.pjson.oclif.helpClass = './dist/help.js';
    await run(argumentsOf(process.argv.slice(2)), config);
    // A closed pipe never drains: waiting for it would end the process with Node's own code 13.
    if (process.stdout.writable) await flush();
  } catch (error) {
    process.exitCode = report(error);
  }
}

/** `dflow help` is the same page as `dflow`. */
function argumentsOf(argv: string[]): string[] {
  return argv.length === 1 && argv[0] === 'help' ? ['--help'] : argv;
}

function endOnSignals(): void {
  process.once('SIGINT', () => process.exit(130));
  process.once('SIGTERM', () => process.exit(143));
  process.once('SIGHUP', () => process.exit(129));
}

/**
 * A reader that closed the pipe (`| head -1`) is no error: a changing command goes on silently until its batch is done,
 * one that only reads ends at its next line (output.ts).
 */
function endOnClosedPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
    });
  }
}
