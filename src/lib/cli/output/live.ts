// What is redrawn at the bottom of a terminal while a command works: it is on stderr, and out of the way whenever a line
// of the result, or a word to a person, is printed on the same terminal. Knows nothing of what is drawn.
import { thisRound } from '../loop/round.ts';

/** What is drawn now. */
interface Live {
  /** Takes it off the terminal. */
  hide(): void;
  show(): void;
}

let live: Live | undefined;

/** Somebody looks on: at a terminal that can redraw, and not by a loop, whose lines are kept. */
export function isWatched(quiet: boolean): boolean {
  return process.stderr.isTTY === true && !quiet && process.env.TERM !== 'dumb' && thisRound() === undefined;
}

/** From now on this is drawn; `undefined`: nothing is. */
export function draw(next: Live | undefined): void {
  live = next;
}

/** Prints while nothing is drawn. `here`: on the terminal that is drawn on, as far as anybody knows. */
export function print(write: () => void, here = true): void {
  const away = here ? live : undefined;
  away?.hide();
  write();
  away?.show();
}
