// A backend over a scheduler whose jobs share a folder with dflow: job files, start marks, heartbeats, records and logs
// lie there, and what they say is joined with the scheduler's word. Starts no process itself.

import type { Backend, BackendAbout, Refused, Status, Task } from '../../../backend.ts';
import type { Identity } from '../../../domain/farms/farm.ts';
import { UnreachableError } from '../../../util/errors.ts';
import { given } from '../../../util/values/given.ts';
import { have, nth } from '../../../util/values/have.ts';
import type { ResultRecord } from '../../../wrapper/record.ts';
import { isKey } from '../../../wrapper/spec.ts';
import { type Listed, type Scheduler, statusOf } from '../scheduler.ts';
import type { ClaimFolder } from './claims.ts';
import { readTail } from './files.ts';
import { beats, isSilent, type Signs, unlisted } from './heartbeat.ts';
import { type Mark, partsOf } from './jobfolder.ts';
import { reaching } from './reachable.ts';
import { archiveRecords, keptRecords, readRecords } from './records.ts';
import { sweepIfWritable } from './sweep.ts';

const reachable = reaching('the folder shared with the jobs');

/** A killed job's record waits this long, ms, for the scheduler's own word of why it was killed. */
const PATIENCE = 60_000;

export class FolderBackend<R extends Listed> implements Backend {
  readonly #scheduler: Scheduler<R>;
  readonly #folder: ClaimFolder;
  readonly #keep: number;
  /** Milliseconds between two heartbeats of a job. */
  readonly #beat: number;
  /** Keys that `status` last found not ended. */
  #alive = new Set<string>();

  /** `keep`: ms that marks, records and logs stay; `beat`: ms between two heartbeats. Makes the folder. */
  constructor(scheduler: Scheduler<R>, folder: ClaimFolder, { keep, beat }: { keep: number; beat: number }) {
    this.#scheduler = scheduler;
    this.#folder = folder;
    this.#keep = keep;
    this.#beat = beat;
    reachable(() => folder.create());
  }

  identity(): Promise<Identity> {
    return this.#scheduler.identity();
  }

  about(): Promise<BackendAbout> {
    return this.#scheduler.about();
  }

  async submit(claim: string, tasks: readonly Task[]): Promise<Map<string, string | Refused>> {
    // All are rendered before the first is written: a name that cannot be used must not leave half a claim.
    const texts = tasks.map(({ key, spec }) => [key, this.#scheduler.render(spec)] as const);
    const files = texts.flatMap(([key, text]) => (typeof text === 'string' ? [[key, text] as const] : []));
    const answers = new Map<string, string | Refused>(texts.filter(([, text]) => typeof text !== 'string'));
    const fit = tasks.filter(({ key }) => !answers.has(key));
    await this.#scheduler.ready();
    reachable(() => {
      this.#folder.create();
      this.#folder.writeJobs(claim, files);
    });
    for (const { keys, answer } of await this.#scheduler.submit(claim, fit)) {
      if ('refused' in answer) reachable(() => this.#folder.close(keys));
      for (const [at, key] of keys.entries()) answers.set(key, 'refused' in answer ? answer : nth(answer, at));
    }
    return new Map(tasks.map(({ key }) => [key, have(answers, key)]));
  }

  async release(keys: readonly string[]): Promise<void> {
    if (keys.length === 0 || (await this.#scheduler.release(keys))) return;
    // It complains of what has been released before, too: what counts is that none of them is held.
    const rows = await this.#scheduler.queue();
    this.#refuse(
      'release',
      keys.filter((key) => rows.get(key)?.state === 'held'),
    );
  }

  async status(keys: readonly string[]): Promise<Map<string, Status>> {
    if (keys.length === 0) return new Map();
    const rows = await this.#scheduler.queue();
    const known = keys.flatMap((key) => rows.get(key) ?? []);
    const found = new Map(known.map((row) => [row.key, statusOf(row)]));
    await this.#explain(known, found);
    const missing = keys.filter((key) => !rows.has(key));
    for (const key of missing) if (!isKey(key)) found.set(key, { state: 'absent' });
    const late = await this.#missing(missing.filter(isKey), found);
    this.#listen(found);
    const alive = keys.filter((key) => ['pending', 'running'].includes(found.get(key)?.state ?? ''));
    this.#alive = new Set([...alive, ...late]);
    return new Map(keys.flatMap((key) => (found.has(key) ? [[key, have(found, key)]] : [])));
  }

  /** The scheduler's own explanations; of a job that it only knows to be cancelled, the fence knows why. */
  async #explain(known: readonly R[], found: Map<string, Status>): Promise<void> {
    await this.#scheduler.explain(known, found);
    for (const { key } of known) {
      const status = found.get(key);
      if (status?.state !== 'ended' || !status.raw?.startsWith('CANCELLED') || !isKey(key)) continue;
      const mark = reachable(() => this.#folder.mark(key));
      if (mark?.kind === 'fenced') found.set(key, { ...status, raw: mark.why });
    }
  }

  /**
   * Keys that the scheduler does not list: its memory, and what they have left behind. Answers those of which nothing
   * can be said yet, since its memory lags.
   */
  async #missing(keys: readonly string[], found: Map<string, Status>): Promise<string[]> {
    if (keys.length === 0) return [];
    const marks = reachable(() => new Map(keys.map((key) => [key, this.#folder.mark(key)])));
    for (const key of keys) this.#fenced(key, marks.get(key), found);
    const open = keys.filter((key) => !found.has(key));
    if (open.length === 0) return [];
    const age = reachable(() => this.#folder.age(open.map((key) => partsOf(key).claim)));
    const rows = await this.#scheduler.remembered(open, age);
    const lags = (await this.#scheduler.lags?.()) ?? false;
    const signs = reachable(() => this.#folder.signs(open.filter((key) => marks.get(key) !== undefined)));
    const late: string[] = [];
    for (const key of open) {
      const left = signs.get(key);
      if (rows && lags && left && rows.get(key)?.state !== 'ended' && this.#isLate(key)) late.push(key);
      else this.#unlisted(key, rows, left, found);
    }
    return late;
  }

  #fenced(key: string, mark: Mark | undefined, found: Map<string, Status>): void {
    if (mark?.kind === 'fenced') found.set(key, { state: 'ended', ...this.#idOf(key), raw: mark.why });
  }

  #unlisted(
    key: string,
    rows: ReadonlyMap<string, R> | undefined,
    left: Signs | undefined,
    found: Map<string, Status>,
  ): void {
    const row = rows?.get(key);
    const raw = this.#scheduler.lastWord?.(key);
    if (row?.state === 'ended') found.set(key, statusOf(row));
    else if (left) {
      const what = [row && `${row.raw ?? ''} says its accounting`, this.#scheduler.unlisted].filter(Boolean).join(', ');
      found.set(key, { ...this.#idOf(key), ...unlisted(left, this.#beat, what, row !== undefined) });
    } else if (raw !== undefined) found.set(key, { state: 'ended', ...this.#idOf(key), raw });
    else if (rows) found.set(key, { state: 'absent' });
  }

  /**
   * A node that the scheduler has lost may go on working: as long as its job sends heartbeats and there is no record, it
   * runs. One that is silent although it should run keeps its state, and says so: its shared folder may be away.
   */
  #listen(found: Map<string, Status>): void {
    const lost = (raw = ''): boolean => this.#scheduler.hasLost?.(raw) ?? false;
    const asked = [...found].filter(([key, { state, raw }]) => {
      return isKey(key) && (state === 'running' || (state === 'ended' && lost(raw)));
    });
    if (asked.length === 0) return;
    const signs = reachable(() => this.#folder.signs(asked.map(([key]) => key)));
    for (const [key, status] of asked) {
      const left = have(signs, key);
      const living = beats(left, this.#beat);
      const raw = [status.raw, living ? 'its heartbeat goes on' : 'no heartbeat'].filter(Boolean).join(', ');
      if (status.state === 'running' && isSilent(left, this.#beat)) found.set(key, { ...status, raw });
      if (status.state === 'ended' && living && !left.record) found.set(key, { ...status, state: 'running', raw });
    }
  }

  /** It ended just now, by its record, and the scheduler may not know yet why. */
  #isLate(key: string): boolean {
    const age = this.#folder.secondsSinceRecord(key) * 1_000;
    return age > 0 && age < PATIENCE;
  }

  #idOf(key: string): { backendId?: string } {
    const id = this.#scheduler.idOf?.(key);
    return given({ backendId: id });
  }

  async alive(): Promise<string[]> {
    const rows = await this.#scheduler.queue();
    return [...rows.values()].filter(({ state }) => state !== 'ended').map(({ key }) => key);
  }

  async cancel(keys: readonly string[]): Promise<void> {
    const rows = await this.#scheduler.queue();
    // One that has written its record is at its end.
    const open = reachable(() => keys.filter((key) => !isKey(key) || !this.#folder.hasRecord(key)));
    const live = open.flatMap((key) => rows.get(key) ?? []).filter((row) => this.#scheduler.isLive(row));
    reachable(() => {
      for (const key of open.filter((one) => isKey(one) && (rows.has(one) || this.#folder.isOpen(one)))) {
        // Whoever takes the start fence decides: ours means that it can never start, however late it turns up.
        if (this.#folder.fence(key, 'canceled')) this.#folder.close([key]);
        else if (this.#folder.mark(key)?.kind === 'started') this.#folder.noteCancel(key);
      }
    });
    if (live.length === 0 || (await this.#scheduler.cancel(live))) return;
    const left = await this.#scheduler.queue();
    const kept = live.flatMap(({ key }) => left.get(key) ?? []).filter((row) => this.#scheduler.isLive(row));
    this.#refuse(
      'remove',
      kept.map(({ key }) => key),
    );
  }

  async records(limit: number): Promise<ResultRecord[]> {
    const names = reachable(() => this.#folder.arrived().slice(0, limit));
    const records = await readRecords(this.#folder, names);
    const whole = records.filter((record) => !this.#tooEarly(record));
    return whole.map((record) => this.#scheduler.reading?.(record) ?? record);
  }

  /** Why a killed job was killed is the scheduler's to say, and it says so when the job has ended: a second later. */
  #tooEarly({ key, phase, exit }: ResultRecord): boolean {
    if (phase === 'done' || exit <= 128 || !this.#alive.has(key)) return false;
    return this.#folder.secondsSinceRecord(key) * 1_000 < PATIENCE;
  }

  async acknowledge(records: readonly ResultRecord[]): Promise<void> {
    reachable(() => {
      archiveRecords(this.#folder, records);
      this.#folder.close(records.map(({ key }) => key).filter(isKey));
    });
  }

  kept(): Promise<ResultRecord[]> {
    return keptRecords(this.#folder);
  }

  async logs(keys: readonly string[], bytes: number): Promise<Map<string, string>> {
    return reachable(() => {
      const paths = this.#scheduler.logs(keys.filter(isKey));
      return new Map([...paths].flatMap(([key, path]) => tail(key, readTail(path, bytes))));
    });
  }

  /** Nothing must be kept alive here; old files go, once a day. */
  async ensure(): Promise<void> {
    const close = () => this.#folder.closeOld(this.#keep, () => this.#scheduler.queue());
    await sweepIfWritable(this.#folder, this.#keep, close);
  }

  async close(): Promise<void> {}

  /** @throws UnreachableError the scheduler did not do what it was told for some keys */
  #refuse(what: 'release' | 'remove', keys: readonly string[]): void {
    if (keys.length === 0) return;
    const { name, inspect } = this.#scheduler;
    const text = `${name} did not ${what} ${keys.length} jobs: ${keys.slice(0, 3).join(', ')}`;
    throw new UnreachableError(text, { hint: inspect });
  }
}

function tail(key: string, text: string | undefined): [string, string][] {
  return text === undefined ? [] : [[key, text]];
}
