// The alternate screen of the terminal and its keys. Every end of the process gives them back, so that the shell finds its
// own screen again.
import { type Key, keysOf } from './input.ts';

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H';
const CLEAR = '\x1b[?25l\x1b[2J\x1b[H';
/** Milliseconds in which the rest of an escape sequence comes; without a rest, the key is Escape. */
const KEY_TIME = 50;
/** Attributes off, the cursor visible, the main screen. */
const LEAVE = '\x1b[0m\x1b[?25h\x1b[?1049l';

/** Signals that end a process without a listener. */
const ENDING = ['SIGQUIT', 'SIGUSR2', 'SIGALRM', 'SIGXCPU', 'SIGVTALRM'] as const;

export interface Terminal {
  clear(): void;
  leave(): void;
}

export interface Listener {
  readonly onKeys: (keys: readonly Key[]) => void;
  /** Called when the terminal was closed. */
  readonly onClosed: () => void;
  /** Called when the process continues after a stop: the screen must be drawn again. */
  readonly onBack: () => void;
}

/** Enters the alternate screen. `leave` and every other end of the process leave the screen. */
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
  // These run before the listeners that let go of the terminal, and before an error is printed.
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

/** Gives keys and screen back to the shell; the terminal may be gone. */
function giveBack(): void {
  attempt(() => process.stdin.setRawMode(false));
  attempt(() => process.stdout.write(LEAVE));
}

/** Listens for keys until the returned function is called. */
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
  // These listeners come first: with a closed terminal, each of the calls below is an error.
  stdin.on('error', onClosed).on('end', onClosed).on('close', onClosed);
  stdout.on('error', onClosed);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdin.on('data', hear);
  return () => {
    clearTimeout(timer);
    stdin.off('data', hear).off('end', onClosed).off('close', onClosed).pause();
    // The listeners for errors stay: an error without a listener is thrown.
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
