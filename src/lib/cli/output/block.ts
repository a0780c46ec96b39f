// Some lines at the bottom of the terminal on stderr, redrawn in place. The cursor is never hidden, so that no sudden end
// of the process can leave it hidden.
import { draw } from './live.ts';

/** Erases to the end of the line; erases to the end of the screen. */
const [LINE_END, SCREEN_END] = ['\x1b[K', '\x1b[J'];

export class Block {
  #lines: readonly string[] = [];
  /** Lines that the terminal shows now. */
  #height = 0;
  readonly #onExit = (): void => this.hide();

  constructor() {
    draw(this);
    // Before the terminals are let go (closedterminal.ts).
    process.prependListener('exit', this.#onExit);
  }

  /** Columns for a line; the terminal writes `^C` behind the line. */
  get width(): number {
    return (process.stderr.columns || 80) - 3;
  }

  /** Most lines for a drawing; with more of them the terminal scrolls. */
  get most(): number {
    return Math.max(1, (process.stderr.rows || 24) - 2);
  }

  draw(lines: readonly string[]): void {
    this.#lines = lines;
    this.show();
  }

  show(): void {
    if (this.#lines.length === 0) return;
    this.#write(`${this.#home()}${this.#lines.join(`${LINE_END}\r\n`)}${LINE_END}${SCREEN_END}`);
    this.#height = this.#lines.length;
  }

  hide(): void {
    if (this.#height > 0) this.#write(`${this.#home()}${SCREEN_END}`);
    this.#height = 0;
  }

  /** Ends the drawing; the lines `left` stay on the terminal. */
  end(left: readonly string[]): void {
    this.hide();
    draw(undefined);
    process.removeListener('exit', this.#onExit);
    for (const line of left) this.#write(`${line}\n`);
  }

  /** Moves the cursor to the first column of the first line. */
  #home(): string {
    return this.#height > 1 ? `\r\x1b[${this.#height - 1}A` : '\r';
  }

  #write(text: string): void {
    process.stderr.write(text);
  }
}
