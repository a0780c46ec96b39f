// The steps of a round of `chain` as lines: ended, running and due. listr2 keeps the states. It does not draw, since its
// renderers do not leave room for the lines of the result.
import { color, Listr } from 'listr2';
import { isUtf8 } from './locale.ts';

type State = 'begun' | 'ended' | 'failed';

export class Steps {
  readonly #list;
  readonly #ends = new Map<string, (failed: boolean) => void>();
  /** The facts of each step when it ended. */
  readonly #said = new Map<string, string>();
  readonly #running: Promise<unknown>;

  constructor(steps: readonly string[]) {
    const tasks = steps.map((title) => {
      const ended = new Promise<boolean>((resolve) => this.#ends.set(title, resolve));
      const task = async (): Promise<void> => {
        if (await ended) throw new Error(title);
      };
      return { title, task };
    });
    const options = { renderer: 'silent', exitOnError: false, registerSignalListeners: false } as const;
    this.#list = new Listr(tasks, options);
    this.#running = this.#list.run();
  }

  /** Notes the state of a step; `said` is what the step has done so far. */
  set(step: string, state: State, said: string): void {
    if (state === 'begun') return;
    this.#said.set(step, said);
    this.#ends.get(step)?.(state === 'failed');
  }

  /** Resolves when listr2 knows the end of every step. */
  async settled(): Promise<void> {
    for (const end of this.#ends.values()) end(false);
    await this.#running;
  }

  /** A line for each step, `width` columns at most; `running` gives the facts of the step in hand. */
  lines(sign: string, running: (room: number) => string, width: number): string[] {
    const longest = Math.max(...this.#list.tasks.map(({ title }) => String(title).length));
    return this.#list.tasks.map((task) => {
      const title = String(task.title);
      const room = width - longest - 4;
      const said = task.isStarted() ? running(room) : (this.#said.get(title) ?? '').slice(0, room);
      const [tick, cross] = isUtf8(process.env) ? ['✔', '✖'] : ['v', 'x'];
      const mark = task.isCompleted() ? color.green(tick) : task.hasFailed() ? color.red(cross) : ' ';
      return `${task.isStarted() ? sign : mark} ${title.padEnd(longest)}  ${said}`.trimEnd();
    });
  }
}
