// The live screen of `status --watch`: keys and looks change the state, and each state is drawn. `q` ends the screen;
// signals and ^C end it as they end every command.
import { setTimeout as wait } from 'node:timers/promises';
import type { Sheet } from '../../render/live/content.ts';
import { DflowError, EXIT } from '../../util/errors.ts';
import { counted } from '../../util/text/counted.ts';
import { withoutSecrets } from '../../util/text/secrets.ts';
import { SECOND } from '../../util/time.ts';
import { isUtf8 } from '../output/locale.ts';
import { describe } from '../output/report.ts';
import type { OpenPorts } from '../ports.ts';
import type { Action } from './action.ts';
import { frameOf } from './frame.ts';
import type { Key } from './input.ts';
import { asked, done, press, refused, together } from './keys.ts';
import {
  type Effect,
  failed,
  front,
  initial,
  looked,
  type Page,
  resized,
  type State,
  type Step,
  unreachable,
} from './model.ts';
import { type Performed, perform } from './perform.ts';
import { type Drawn, drawn } from './screen.ts';
import { lookAtPage } from './source.ts';
import { enterTerminal, type Terminal } from './terminal.ts';

export interface LiveOptions {
  readonly experiment: string;
  /** Milliseconds between two looks. */
  readonly every: number;
  /** The store, opened to look. */
  readonly ports: OpenPorts;
  /** Opens the store: to look, or to do what the command of this name does. */
  readonly open: (command?: string) => Promise<OpenPorts>;
}

/** Exit codes of faults that pass: a store or a batch system does not answer. The screen asks again. */
const AWAY: ReadonlySet<number> = new Set([EXIT.storeUnreachable, EXIT.credentials, EXIT.unreachable]);

/** The pause after a look lasts CALM times the look, at most LONGEST, so that a slow store has rest. */
const CALM = 4;
const LONGEST = 30 * SECOND;

/** Shows the screen until a person quits. @throws any error that is a defect of dflow */
export function live(options: LiveOptions): Promise<void> {
  return new Screen(options).run();
}

class Screen {
  private state: State;
  private readonly terminal: Terminal;
  private drawn: Drawn;
  private readonly ended = new AbortController();
  /** The open store; `undefined` after it was away, and then the next look opens it. */
  private ports: Promise<OpenPorts> | undefined;
  /** Numbers of the pages with a look under way. */
  private readonly looking = new Set<number>();
  /** Number of a page that changed during its look. */
  private again: number | undefined;
  /** Milliseconds of the last look. */
  private cost = 0;
  private crash: (error: unknown) => void = () => undefined;

  constructor(private readonly options: LiveOptions) {
    const { sheet, rows } = sizeOf();
    this.state = initial(options.experiment, sheet, rows);
    this.ports = Promise.resolve(options.ports);
    this.terminal = enterTerminal({
      onKeys: (keys) => this.pressed(keys),
      // A closed terminal sends no keys and shows no lines.
      onClosed: () => this.ended.abort(),
      onBack: () => this.resized(),
    });
    this.drawn = drawn(frameOf(this.state));
  }

  async run(): Promise<void> {
    const crashed = new Promise<never>((_, reject) => {
      this.crash = reject;
    });
    const resize = (): void => this.resized();
    process.stdout.on('resize', resize);
    try {
      await Promise.race([this.loop(), crashed]);
    } finally {
      process.stdout.off('resize', resize);
      this.ended.abort();
      this.drawn.end();
      this.terminal.leave();
      const ports = await this.ports?.catch(() => undefined);
      await ports?.close().catch(() => undefined);
    }
  }

  private async loop(): Promise<void> {
    const { signal } = this.ended;
    while (!signal.aborted) {
      await this.look();
      const pace = front(this.state).name === 'log' ? Math.min(SECOND, this.options.every) : this.options.every;
      await wait(Math.max(pace, Math.min(CALM * this.cost, LONGEST)), undefined, { signal }).catch(() => undefined);
    }
  }

  private pressed(keys: readonly Key[]): void {
    for (const key of keys) this.take(press(this.state, key));
  }

  private take({ state, effects }: Step): void {
    this.show(state);
    for (const effect of effects) this.doIt(effect);
  }

  private show(state: State): void {
    if (this.ended.signal.aborted) return;
    this.state = state;
    this.drawn.draw(frameOf(state));
  }

  private doIt(effect: Effect): void {
    if (effect.do === 'quit') this.ended.abort();
    // The signal ends the screen as it ends every command, which gives back work in hand first.
    else if (effect.do === 'interrupt') process.kill(process.pid, 'SIGINT');
    else if (effect.do === 'suspend') process.kill(process.pid, 'SIGTSTP');
    else if (effect.do === 'look') void this.look();
    else this.act(effect.action, effect.do === 'preview').catch((error: unknown) => this.crash(error));
  }

  /** Draws the whole screen again after the terminal has changed its size. */
  private resized(): void {
    if (this.ended.signal.aborted) return;
    const { sheet, rows } = sizeOf();
    this.drawn.end();
    this.terminal.clear();
    this.state = resized(this.state, sheet, rows);
    this.drawn = drawn(frameOf(this.state));
  }

  /** Looks at the page in front. A page that changed during the look is looked at again. */
  private async look(): Promise<void> {
    const page = front(this.state);
    if (this.looking.has(page.id)) {
      this.again = page.id;
      return;
    }
    this.looking.add(page.id);
    const began = performance.now();
    try {
      const ports = await this.opened();
      if (ports === undefined) return;
      const found = await lookAtPage(ports, page);
      this.show(looked(this.state, page.id, found, new Date().toISOString()));
    } catch (error) {
      this.take(this.without(page, error));
    } finally {
      this.cost = performance.now() - began;
      this.looking.delete(page.id);
    }
    if (this.again !== page.id) return;
    this.again = undefined;
    await this.look();
  }

  /** The open store; `undefined` while the store is away. */
  private async opened(): Promise<OpenPorts | undefined> {
    this.ports ??= this.options.open();
    try {
      return await this.ports;
    } catch (error) {
      this.ports = undefined;
      this.show(unreachable(this.state, this.meant(error).text, new Date().toISOString()));
      return undefined;
    }
  }

  /** The step after a look that failed. */
  private without(page: Page, error: unknown): Step {
    const { text, next, exit } = this.meant(error);
    const own = error instanceof DflowError;
    const again = exit === EXIT.usage && refused(this.state, page.id, own && next ? `${text} (${next})` : text);
    if (again) return again;
    if (!own || !AWAY.has(exit)) return { state: failed(this.state, page.id, text, next), effects: [] };
    // The store may come back as another file or another server, so the next look opens it again.
    const before = this.ports;
    this.ports = undefined;
    void before?.then((ports) => ports.close()).catch(() => undefined);
    return { state: unreachable(this.state, text, new Date().toISOString()), effects: [] };
  }

  /** The words and the exit code of an error. A defect ends the screen. */
  private meant(error: unknown): { text: string; next: string | undefined; exit: number } {
    const { lines, exit } = describe(error);
    if (exit === 70) this.crash(error);
    const [text = ''] = lines;
    const next = lines.find((line) => line.startsWith('Next: '))?.slice('Next: '.length);
    return { text: withoutSecrets(text.replace(/^Error: /, '')).replace(/\s*\n\s*/g, ' '), next, exit };
  }

  private async act(action: Action, dryRun: boolean): Promise<void> {
    try {
      const ports = await this.options.open(action.verb);
      try {
        const { lines, changes, failed: wrong } = await perform(ports, action, dryRun, this.state.sheet.columns - 3);
        if (dryRun) this.show(asked(this.state, action, lines, changes));
        else this.take(done(this.state, summary(action, { lines, changes, failed: wrong }), wrong > 0));
      } finally {
        await ports.close();
      }
    } catch (error) {
      const { text, next } = this.meant(error);
      this.take(done(this.state, next === undefined ? text : `${text}. Next: ${next}`, true));
    }
  }
}

/** One line about a change: the line of its only item, or counts. */
function summary({ verb }: Action, { lines, changes, failed: wrong }: Performed): string {
  if (changes + wrong === 1) return together(lines);
  const done = `${verb}: ${counted(changes, 'item')} changed`;
  return wrong === 0 ? done : `${done}, ${wrong} failed`;
}

function sizeOf(): { readonly sheet: Sheet; readonly rows: number } {
  const { columns, rows } = process.stdout;
  // A terminal that does not know its size says 0: the size of old terminals is taken.
  return { sheet: { columns: columns || 80, ascii: !isUtf8(process.env) }, rows: rows || 24 };
}
