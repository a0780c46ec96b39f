// The other screen of the terminal and its keys: taken, and given back at every end of the process, so that the shell finds
// its own again.
import { type Key, keysOf } from './input.ts';

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H';
const CLEAR = '\x1b[?25l\x1b[2J\x1b[H';
/** The rest of a key comes within this time; an escape alone is a key, too. */
const KEY_TIME = 50;
/** Attributes off, the cursor visible, the main screen. */
const LEAVE = '\x1b[0m\x1b[?25h\x1b[?1049l';

/** Signals that end the process where nobody listens. */
const ENDING = ['SIGQUIT', 'SIGUSR2', 'SIGALRM', 'SIGXCPU', 'SIGVTALRM'] as const;

export interface Terminal {
  clear(): void;
  leave(): void;
}

export interface Listener {
  readonly onKeys: (keys: readonly Key[]) => void;
  /** The terminal has gone. */
  readonly onClosed: () => void;
  /** The process was stopped and goes on: nothing of the screen is left. */
  readonly onBack: () => void;
}

/** Enters the other screen. It is left by `leave`, and before the process ends for any other reason. */
export function enterTerminal(listener: Listener): Terminal {
  let inside = true;
  const leave = (): void => {
    if (!inside) return;
    inside = false;
    giveBack();
  };
  const stopped = (): void => {
    giveBack();
    process.kill(process.pid, 'SIGSTOP');
  };
  const back = (): void => {
    attempt(() => process.stdin.setRawMode(true));
    attempt(() => process.stdout.write(ENTER));
    listener.onBack();
  };
  const died = (name: NodeJS.Signals): void => {
    leave();
    process.removeListener(name, died);
    process.kill(process.pid, name);
  };
  // Before the listeners that let go of the terminal, and before an error is printed.
  process.prependListener('exit', leave);
  process.prependListener('uncaughtExceptionMonitor', leave);
  for (const name of ENDING) process.on(name, died);
  process.on('SIGTSTP', stopped).on('SIGCONT', back);
  process.stdout.write(ENTER);
  const silent = heard(listener);
  return {
    clear: () => attempt(() => process.stdout.write(CLEAR)),
    leave: () => {
      silent();
      leave();
      process.removeListener('exit', leave);
      process.removeListener('uncaughtExceptionMonitor', leave);
      for (const name of ENDING) process.removeListener(name, died);
      process.removeListener('SIGTSTP', stopped).removeListener('SIGCONT', back);
    },
  };
}

/** The terminal may be gone. */
function giveBack(): void {
  attempt(() => process.stdin.setRawMode(false));
  attempt(() => process.stdout.write(LEAVE));
}

/** Hears keys, until the answer is called. */
function heard({ onKeys, onClosed }: Listener): () => void {
  const { stdin, stdout } = process;
  let rest = '';
  let timer: NodeJS.Timeout | undefined;
  const hear = (text: string): void => {
    clearTimeout(timer);
    const found = keysOf(rest + text);
    rest = found.rest;
    if (found.keys.length > 0) onKeys(found.keys);
    if (rest === '') return;
    timer = setTimeout(() => {
      rest = '';
      onKeys([{ name: 'escape' }]);
    }, KEY_TIME);
  };
  // First of all: a terminal that has gone meanwhile is an error of each of these calls.
  stdin.on('error', onClosed).on('end', onClosed).on('close', onClosed);
  stdout.on('error', onClosed);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.on('data', hear);
  return () => {
    clearTimeout(timer);
    stdin.off('data', hear).off('end', onClosed).off('close', onClosed).pause();
    // An error that nobody hears would be thrown.
    attempt(() => stdin.unref());
    stdout.off('error', onClosed);
  };
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Nothing is left to be restored.
  }
}
