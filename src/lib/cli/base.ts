// The base of every command: shared flags, the configuration, the ports (opened when asked for, closed at the end),
// and how a step's items are shown. A command parses, calls one flow function and shows what it answers.

import { createInterface } from 'node:readline/promises';
import { setImmediate } from 'node:timers/promises';
import { Command, type Interfaces } from '@oclif/core';
import type { Settings } from '../domain/settings.ts';
import { dryPorts } from '../flow/dry.ts';
import type { Turn } from '../flow/farms/turn.ts';
import { noteUnread, type UnreadDoc, unreadDocs, unreadNext } from '../flow/jobs/unread.ts';
import type { Item, Step } from '../flow/ports.ts';
import type { Lists } from '../flow/reports/look/look.ts';
import { localTimes } from '../render/human.ts';
import type { Store } from '../store.ts';
import { EXIT, UsageError } from '../util/errors.ts';
import { giveBack, stopping } from '../util/processes/stopping.ts';
import { withoutSecrets } from '../util/text/secrets.ts';
import { cleaned, page } from '../util/text/terminal.ts';
import { type Given, given } from '../util/values/given.ts';
import { baseFlags } from './arguments/flags.ts';
import { takeEmpty } from './arguments/selection.ts';
import { type Loaded, load } from './config/load.ts';
import { mustBeNamed } from './hosts/namedhost.ts';
import { type Beats, beats, turnOf } from './loop/beats.ts';
import { thisRound } from './loop/round.ts';
import { isWatched, print } from './output/live.ts';
import { Output, type OutputFormat } from './output/output.ts';
import type { Shown } from './output/progress.ts';
import { exitOf } from './output/report.ts';
import { hostOf, type OpenPorts, openPorts } from './ports.ts';
import { workingFolder } from './workingfolder.ts';

/** What the base reads of the shared flags; commands read their own. */
interface SharedFlags {
  readonly config?: string | undefined;
  readonly json?: boolean;
  readonly format?: OutputFormat | undefined;
  readonly quiet?: boolean;
  readonly 'dry-run'?: boolean;
  readonly here?: boolean;
}

export abstract class Base extends Command {
  static override baseFlags = baseFlags;
  /** What this command may end with besides a signal; the help shows it. */
  static exits: readonly number[] = [0, 1, 2, 3];

  private shared: SharedFlags = {};
  private opened: OpenPorts | undefined;
  private loaded: Loaded | undefined;
  private output: Output | undefined;
  /** Shows on a terminal how far the step in hand is. */
  private drawn: Shown | undefined;
  /** Of the round of a loop. */
  private beats: Beats | undefined;
  private turn: Turn | undefined;

  /** Ids of documents that could not be read. */
  private readonly met = new Set<string>();
  /** Whether they are noted for the status page: by a command that writes. */
  /** Documents that were noted as unreadable before: read ahead, since a look at the end costs a round trip. */
  private noted: Promise<UnreadDoc[]> | undefined;

  protected override async parse<
    F extends Interfaces.OutputFlags<F>,
    B extends Interfaces.OutputFlags<B>,
    A extends Interfaces.OutputArgs<A>,
  >(options?: Interfaces.Input<F, B, A>, argv?: string[]): Promise<Interfaces.ParserOutput<F, B, A>> {
    const parsed = await super.parse<F, B, A>(options, argv);
    this.shared = parsed.flags as SharedFlags;
    return parsed;
  }

  /** From here on the configuration is this file, whatever flags and environment say (`init` just wrote it). */
  protected useConfig(file: string): void {
    this.shared = { ...this.shared, config: file };
  }

  /** The configuration with where everything in it stands. */
  protected async configuration(): Promise<Loaded> {
    const { config: flag } = this.shared;
    const cwd = workingFolder(flag ?? process.env.DFLOW_CONFIG);
    this.loaded ??= await load({ cwd, flag, env: process.env, host: hostOf() });
    const round = thisRound();
    if (round) round.planned = this.loaded.settings.plan?.find(({ name }) => name === round.of.name);
    return this.loaded;
  }

  protected async settings(): Promise<Settings> {
    return (await this.configuration()).settings;
  }

  /** Opens the store and hands out everything else lazily. `write`: the command changes documents. */
  protected async ports(write: boolean | 'setup'): Promise<OpenPorts> {
    const dry = this.shared['dry-run'] === true;
    this.opened ??= await openPorts(await this.settings(), {
      write,
      command: this.command,
      ...(this.shared.quiet ? {} : { say: (text: string) => this.say(text) }),
    });
    if (write === true && !dry) this.noted = readAhead(this.opened.everything);
    const round = thisRound();
    if (round && this.noted) {
      this.beats ??= await beats(this.opened, round);
      const { exclusive } = round.of;
      if (exclusive !== undefined && !this.turn) {
        this.turn = await turnOf(this.opened, exclusive);
        this.opened = { ...this.opened, store: this.turn.store };
      }
    }
    if (isWatched(this.shared.quiet === true))
      this.opened = { ...this.opened, progress: (event) => this.drawn?.note(event) };
    // Steps of one command see what the earlier of them would have written.
    if (dry) this.opened = dryPorts(this.opened);
    return this.opened;
  }

  /** The ports of a step that only hosts of the configuration take: a laptop must not submit. */
  protected async stepPorts(): Promise<OpenPorts> {
    const { here, 'dry-run': dry } = this.shared;
    if (!here && !dry) mustBeNamed(await this.settings(), hostOf(), this.command);
    return this.ports(true);
  }

  private get command(): string {
    return (this.id ?? 'dflow').replaceAll(':', ' ');
  }

  protected get out(): Output {
    this.output ??= new Output({
      format: this.shared.json ? 'json' : this.shared.format,
      quiet: this.shared.quiet ?? false,
      terminal: process.stdout.isTTY ?? false,
      // A terminal may say 0 (a serial line, `script`): as wide as terminals were.
      columns: process.stdout.columns === undefined ? 120 : process.stdout.columns || 80,
    });
    return this.output;
  }

  /** Options of a step: `--dry-run`, `--limit` and the command's own, without those that were not given. */
  protected stepOptions<T extends object>(
    flags: { readonly 'dry-run'?: boolean; readonly limit?: number | undefined },
    own: T,
  ): Given<T> & { dryRun?: boolean; limit?: number } {
    return given({ ...own, dryRun: flags['dry-run'] || undefined, limit: flags.limit }) as never;
  }

  /** What a person reads where a step had nothing to do. */
  protected idle = 'nothing to do';
  /** The same, where it takes a look at the store: why there is nothing to do, and when there will be. */
  protected idleText: () => Promise<string> = async () => this.idle;

  /** Prints the items of steps as they happen. The exit code is 1 when one has failed, 5 when all is unreachable. */
  protected async items(...steps: (Step | AsyncIterable<Item> | Iterable<Item>)[]): Promise<void> {
    const seen = { all: 0, failed: 0, unreachable: 0, done: 0 };
    for (const step of steps) {
      for await (const item of this.inRound(this.watched(step))) {
        seen.all++;
        if (item.failed) seen.failed++;
        else if (item.did !== 'unchanged' && item.did !== 'skipped') seen.done++;
        if (item.failed && 'unreachable' in item && item.unreachable) seen.unreachable++;
        this.out.item(item);
      }
    }
    for (const item of this.unreadable()) this.out.item(item);
    this.out.end();
    // Nothing could be done, since everything that it needs is away: another code than that of items that failed.
    const away = seen.done === 0 && seen.unreachable === seen.failed;
    if (seen.failed > 0) process.exitCode = away ? EXIT.unreachable : EXIT.itemsFailed;
    // A pipe gets no remark, and a look costs requests.
    if (seen.all === 0 && process.stderr.isTTY && !this.shared.quiet) this.remark(localTimes(await this.idleText()));
  }

  /** The items unchanged; meanwhile a terminal shows the progress. */
  protected async *watched<I extends Item>(items: AsyncIterable<I> | Iterable<I>): AsyncGenerator<I, void, void> {
    if (!isWatched(this.shared.quiet === true)) return yield* items;
    const { Shown } = await import('./output/progress.ts');
    const shown = new Shown(this.command);
    this.drawn = shown;
    try {
      for await (const item of items) {
        shown.item(item);
        yield item;
      }
    } finally {
      this.drawn = undefined;
      await shown.end();
    }
  }

  /** The items as they are; a loop that is stopped lets its round end after the item in hand. */
  private async *inRound(items: AsyncIterable<Item>): AsyncGenerator<Item, void, void> {
    const round = thisRound();
    const ended = round && giveBack();
    try {
      for await (const item of items) {
        round?.note(item);
        yield item;
        if (round && stopping.aborted) return;
      }
    } finally {
      ended?.();
    }
  }

  /** Prints rows that were looked up: a table on a terminal. */
  protected async rows<L extends keyof Lists>(
    list: L,
    rows: AsyncIterable<Lists[L] | Item> | Iterable<Lists[L] | Item>,
    limit?: number,
  ): Promise<void> {
    let wrong = 0;
    let count = 0;
    const show = this.out.list(list);
    for await (const row of rows) {
      if ('did' in row) {
        process.exitCode = EXIT.itemsFailed;
        if (++wrong <= NAMED) this.complain(row);
        // A signal is only heard between two turns of the event loop.
        if (wrong % NAMED === 0) await setImmediate();
        continue;
      }
      if (++count > (limit ?? Number.POSITIVE_INFINITY)) break;
      if (!show(row)) break;
    }
    this.out.end();
    if (wrong > NAMED) this.say(`and ${wrong - NAMED} more like these`);
    if (limit !== undefined && count > limit) this.remark(`only the first ${limit} are shown; --limit N shows more`);
    if (count === 0) this.remark('none');
  }

  /** Something asked for that is not there: no row of the result. */
  protected complain(row: Item): void {
    const { ref, text, next } = cleaned(row);
    this.say(`${ref}: ${text ?? 'failed'}${next ? `\nNext: ${String(next)}` : ''}`);
  }

  /** A word to a person at a terminal; never in a result. */
  protected remark(text: string): void {
    if (!this.shared.quiet && process.stderr.isTTY) this.say(text);
  }

  /** A word on standard error. */
  protected say(text: string): void {
    print(() => process.stderr.write(`${page(withoutSecrets(text))}\n`));
  }

  /** Asks on a terminal; elsewhere `--yes` must have been said. Throws UsageError when the answer is no. */
  protected async confirm(question: string, yes: boolean): Promise<void> {
    if (yes) return;
    if (!process.stdin.isTTY)
      throw new UsageError(`${question} Nothing was done.`, { hint: 'the same command with --yes' });
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await terminal.question(`${page(withoutSecrets(question))} [y/N] `);
    terminal.close();
    if (!/^y(es)?$/i.test(answer.trim())) throw new UsageError('Nothing was done.');
  }

  protected override catch(error: Error): Promise<void> {
    throw error;
  }

  /** Documents that were met and passed over since the last call; the exit code is 1 when there are any. */
  private unreadable(): Item[] {
    const found = [...(this.opened?.unread ?? [])];
    this.opened?.unread.clear();
    for (const [ref] of found) this.met.add(ref);
    if (found.length > 0) process.exitCode ||= EXIT.itemsFailed;
    return found.map(([ref, wrong]) => {
      const text = `cannot be read, so it is skipped: ${wrong}`;
      return { kind: 'document', ref, did: 'unreadable', failed: true, text, next: unreadNext(ref, wrong) };
    });
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    const round = thisRound();
    if (round && error) round.outcome.threw(error);
    for (const item of this.unreadable()) this.complain(item);
    for (const name of this.shared.quiet ? [] : takeEmpty()) this.say(`${name} names nothing: nothing is selected`);
    // What is wrong with the store has been said by then.
    if (this.opened && this.noted)
      await noteUnread(this.opened.everything, this.met, await this.noted).catch(() => undefined);
    // Whoever waits shall not wait for what is left to say.
    await this.turn?.release().catch(() => undefined);
    await this.beats?.end(error ? exitOf(error) : Number(process.exitCode ?? 0)).catch(() => undefined);
    await this.opened?.close();
  }
}

function readAhead(store: Store): Promise<UnreadDoc[]> {
  return unreadDocs(store).catch(() => []);
}

/** Things asked for that are not there: so many are named one by one. */
const NAMED = 100;
