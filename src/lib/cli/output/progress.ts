// How far a command is, on the terminal of stderr: one line, or a line for each step of `chain`. render/progress makes the
// words. This file is loaded only where a person watches.
import type { Item } from '../../flow/ports.ts';
import type { ProgressEvent } from '../../flow/progress.ts';
import { progressLine } from '../../render/progress/line.ts';
import { type Facts, Meter } from '../../render/progress/meter.ts';
import { stopping } from '../../util/processes/stopping.ts';
import { withoutSecrets } from '../../util/text/secrets.ts';
import { humanDuration } from '../../util/time.ts';
import { Block } from './block.ts';
import { isUtf8 } from './locale.ts';
import { Steps } from './steps.ts';

/** Milliseconds between two drawings. */
const PACE = 200;

/** The noun of what a command counts. */
const NOUNS: Readonly<Record<string, string>> = {
  register: 'file',
  transfer: 'copy',
  verify: 'copy',
  purge: 'file',
  tables: 'table',
  'tables load': 'table',
  'store import': 'document',
  reprocess: 'pass',
};

export class Shown {
  readonly #block = new Block();
  readonly #began = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #command: string;
  #meter = new Meter();
  /** Counts the items of a step that sends no progress events. */
  #items = new Meter();
  #told = false;
  #steps: Steps | undefined;
  /** The command, or the step in hand of `chain`: it decides the noun. */
  #doing: string;
  #turn = 0;
  /** Time of the last drawing. */
  #last = 0;
  /** The step in hand has had something to show. */
  #said = false;

  constructor(command: string) {
    this.#command = command;
    this.#doing = command;
    this.#timer = setInterval(() => this.#draw(), PACE);
    this.#timer.unref();
  }

  note(event: ProgressEvent): void {
    const now = performance.now();
    if (event.what === 'round') this.#steps = new Steps(event.steps);
    else if (event.what === 'step') this.#step(event.step, event.state);
    else {
      this.#told = true;
      this.#meter.note(event, now);
    }
    // The first fact is drawn at once. Later, a busy process may delay the timer, so an event draws, too.
    const news = !this.#said && this.#facts(this.#block.width) !== '';
    if (news || (this.#said && now - this.#last > 2 * PACE)) this.#draw();
    this.#said ||= news;
  }

  item(item: Item): void {
    const bytes = item.failed ? 0 : (('bytes' in item ? item.bytes : 'size' in item ? item.size : undefined) ?? 0);
    this.#items.note({ what: 'done', count: 1, bytes }, performance.now());
  }

  /** Ends the drawing. A summary stays where the result does not go to the terminal. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    if (!process.stdout.isTTY) await this.#steps?.settled();
    this.#block.end(process.stdout.isTTY ? [] : this.#summary());
  }

  #step(step: string, state: 'begun' | 'ended' | 'failed'): void {
    if (state === 'begun') {
      this.#meter = new Meter();
      this.#items = new Meter();
      this.#told = false;
      this.#said = false;
      this.#doing = step;
    }
    const { count, bytes } = this.#known();
    this.#steps?.set(step, state, [count, bytes].filter((text) => text !== '').join(', '));
  }

  #draw(): void {
    this.#last = performance.now();
    const { width } = this.#block;
    const sign = signs()[this.#turn++ % signs().length] ?? '';
    const lines = this.#steps?.lines(sign, (room) => this.#facts(room), width);
    if (lines && lines.length <= this.#block.most && !stopping.aborted) {
      this.#block.draw(lines);
      return;
    }
    const title = this.#doing === this.#command ? this.#command : `${this.#command}: ${this.#doing}`;
    const facts = this.#facts(width - 2 - title.length - 2);
    const text = stopping.aborted ? 'stopping; what is under way is given back' : facts;
    this.#block.draw([`${sign} ${text === '' ? title : `${title}: ${text}`}`.slice(0, width)]);
  }

  /** The facts about the step in hand, without the name of the step. */
  #facts(width: number): string {
    return withoutSecrets(progressLine('', this.#known(), width));
  }

  #known(): Facts {
    const now = performance.now();
    return this.#told ? this.#meter.facts(NOUNS[this.#doing] ?? 'item', now) : this.#items.facts('item', now);
  }

  #summary(): string[] {
    if (this.#steps) return this.#steps.lines(' ', () => '', this.#block.width);
    const { count, bytes } = this.#known();
    if (count === '') return [];
    const took = `in ${humanDuration(performance.now() - this.#began)}`;
    return [`${this.#command}: ${[count, bytes].filter((text) => text !== '').join(', ')} ${took}`];
  }
}

function signs(): readonly string[] {
  return isUtf8(process.env) ? [...'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'] : [...'|/-\\'];
}
