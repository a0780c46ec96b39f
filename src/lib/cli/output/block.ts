// Some lines at the bottom of the terminal that is stderr, redrawn in place. The cursor is never hidden, so that no end of
// the process, however sudden, can leave it so.
import { draw } from './live.ts';

/** To the end of the line, and to the end of the screen. */
const [LINE_END, SCREEN_END] = ['\x1b[K', '\x1b[J'];

export class Block {
  #lines: readonly string[] = [];
  /** Lines that are on the terminal now. */
  #height = 0;
  readonly #onExit = (): void => this.hide();

  constructor() {
    draw(this);
    // Before the terminals are let go (closedterminal.ts).
    process.prependListener('exit', this.#onExit);
  }

  /** Columns that a line may have: `^C` is written behind it. */
  get width(): number {
    return (process.stderr.columns || 80) - 3;
  }

  /** Lines that may be drawn: the terminal scrolls when there are more. */
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

  /** Nothing is drawn any more; `left`: lines that stay. */
  end(left: readonly string[]): void {
    this.hide();
    draw(undefined);
    process.removeListener('exit', this.#onExit);
    for (const line of left) this.#write(`${line}\n`);
  }

  /** To the first column of the first line. */
  #home(): string {
    return this.#height > 1 ? `\r\x1b[${this.#height - 1}A` : '\r';
  }

  #write(text: string): void {
    process.stderr.write(text);
  }
}
