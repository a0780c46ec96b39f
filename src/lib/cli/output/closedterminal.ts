// A terminal that is closed while the program runs. At the end Node sets the terminals of the standard streams back to
// how they were, and crashes (SIGSEGV or SIGABRT) where one has gone: nodejs/node, ResetStdio. It leaves alone what is
// another file by then. A terminal may go at any moment, also after the last look at it: so each is let go before.
import { closeSync, fstatSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';

/** Node's own code where the last thing awaited never comes: output that a closed terminal never takes. */
const NEVER_WRITTEN = 13;

/** Lets the process end cleanly when a terminal has gone. */
export function endWithoutTerminal(): void {
  process.on('exit', () => {
    const devices = [0, 1, 2].filter(isDevice);
    if (process.exitCode === NEVER_WRITTEN && devices.some((fd) => !isatty(fd))) process.exitCode = 0;
    for (const fd of devices) replace(fd);
  });
}

/** A terminal, a closed one, or `/dev/null`, which may be replaced by itself. */
function isDevice(fd: number): boolean {
  try {
    return fstatSync(fd).isCharacterDevice();
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
