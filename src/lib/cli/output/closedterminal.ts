// A terminal that is closed while the program runs. At the end Node sets the terminals of the standard streams back to
// how they were, and crashes (SIGSEGV or SIGABRT) where one has gone: nodejs/node, ResetStdio. It leaves alone what is
// another file by then.
import { closeSync, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Node's own code where the last thing awaited never comes: output that a closed terminal never takes. */
const NEVER_WRITTEN = 13;

/** Lets the process end cleanly when a terminal has gone. */
export function endWithoutTerminal(): void {
  process.on('exit', () => {
    const closed = [0, 1, 2].filter(isClosed);
    for (const fd of closed) replace(fd);
    if (process.exitCode === NEVER_WRITTEN && closed.length > 0) process.exitCode = 0;
  });
}

/** A device that is not (any more) a terminal: a closed one, or `/dev/null`, which may be replaced by itself. */
function isClosed(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice() && !isatty(fd);
  } catch {
    return false;
  }
}

/** The lowest free number is given to the next file that is opened: the one that was just closed. */
function replace(fd: number): void {
  try {
    closeSync(fd);
    openSync('/dev/null', 'r+');
  } catch {
    // It was closed already, which is as good.
  }
}
