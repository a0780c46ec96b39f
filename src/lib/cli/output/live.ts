// The drawing at the bottom of the terminal while a command works, on stderr. It is hidden while a line of the result or a
// message is printed on the same terminal. This file does not know what is drawn.
import { thisRound } from '../loop/round.ts';

/** A drawing that can be hidden. */
interface Live {
  /** Erases the drawing from the terminal. */
  hide(): void;
  show(): void;
}

let live: Live | undefined;

/** True where a person watches a terminal that can redraw. The lines of a loop are kept, so nobody watches them. */
export function isWatched(quiet: boolean): boolean {
  return process.stderr.isTTY === true && !quiet && process.env.TERM !== 'dumb' && thisRound() === undefined;
}

/** Sets the drawing; `undefined` ends it. */
export function draw(next: Live | undefined): void {
  live = next;
}

/** Prints while the drawing is hidden. `here`: the text may go to the terminal with the drawing. */
export function print(write: () => void, here = true): void {
  const away = here ? live : undefined;
  away?.hide();
  write();
  away?.show();
}
