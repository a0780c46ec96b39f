// Slurm: held arrays, one per claim and kind of resources. Owns the contract's calls; what is said to Slurm and what it
// answers is in slurm/. Jobs are found by name and task number alone, so a crash that lost the ids loses nothing.
import { join } from 'node:path';
import type { Backend, BackendContext, Refused, Status, Task } from '../backend.ts';
import type { Identity } from '../domain/farms/farm.ts';
import type { FarmSettings } from '../domain/settings.ts';
import type { ResultRecord } from '../wrapper/record.ts';
import { isKey, renderSpec } from '../wrapper/spec.ts';
import { readTail } from './shared/files.ts';
import { fill } from './shared/fill.ts';
import { beats, isSilent, unlisted } from './shared/heartbeat.ts';
import { partsOf } from './shared/jobfolder.ts';
import { namePrefix } from './shared/prefix.ts';
import { reaching } from './shared/reachable.ts';
import { archiveRecords, readRecords } from './shared/records.ts';
import { sweepIfWritable } from './shared/sweep.ts';
import { userName } from './shared/user.ts';
import { arrayParts, rowsOf, withRows } from './slurm/arrays.ts';
import { Cluster, refuseHeld } from './slurm/cluster.ts';
import { WARNING_SIGNAL } from './slurm/commands.ts';
import { SlurmJobs } from './slurm/jobs.ts';
import { parseOptions, type SlurmOptions } from './slurm/options.ts';
import type { Queue, Row } from './slurm/parse.ts';
import { runner } from './slurm/run.ts';

const reachable = reaching('the folder shared with the jobs');

/** Slurm has lost a job's node: whether the job has ended nobody has told it. */
const NODE_LOST = /^(NODE_FAIL|BOOT_FAIL)/;
/** A failed job's record waits this long, ms, for Slurm's own word of why it ended. */
const PATIENCE = 60_000;

class SlurmBackend implements Backend {
  readonly #cluster: Cluster;
  readonly #jobs: SlurmJobs;
  readonly #keep: number;
  /** Milliseconds between two heartbeats of a job. */
  readonly #beat: number;
  /** Backend ids as last heard: what is released right after a submit needs no question. */
  readonly #ids = new Map<string, string>();
  /** Keys that `status` last found not ended. */
  #alive = new Set<string>();
  /** Keys that `status` left out, since accounting lags behind. */
  readonly #late = new Set<string>();

  constructor(cluster: Cluster, jobs: SlurmJobs, { keep, beat }: SlurmOptions) {
    this.#cluster = cluster;
    this.#jobs = jobs;
    this.#keep = keep;
    this.#beat = beat;
  }

  async identity(): Promise<Identity> {
    const { cluster } = await this.#cluster.config();
    return { cluster, user: userName() };
  }

  async submit(claim: string, tasks: readonly Task[]): Promise<Map<string, string | Refused>> {
    // All are rendered before the first is written: a name that cannot be used refuses the whole claim.
    const files = tasks.map(({ key, spec }) => [key, renderSpec(spec)] as const);
    const { maxArraySize } = await this.#cluster.config();
    reachable(() => {
      this.#jobs.create();
      this.#jobs.writeJobs(claim, files);
    });
    const answers = new Map<string, string | Refused>();
    for (const part of arrayParts(claim, tasks, maxArraySize)) {
      const paths = this.#jobs.paths(claim);
      const handed = await fill(rowsOf(part), (rows) => this.#cluster.submit(withRows(part, rows), paths));
      for (const { tasks: rows, answer } of handed) {
        if ('refused' in answer) reachable(() => this.#jobs.close(rows.map(({ key }) => key)));
        for (const { key, task } of rows)
          answers.set(key, 'refused' in answer ? answer : this.#learn(key, `${answer.job}_${task}`));
      }
    }
    return new Map(tasks.map(({ key }) => [key, answers.get(key)!]));
  }

  #learn(key: string, id: string): string {
    this.#ids.set(key, id);
    return id;
  }

  async #queue(): Promise<Queue> {
    const queue = await this.#cluster.queue();
    for (const { key, id } of queue.rows.values()) this.#ids.set(key, id);
    return queue;
  }

  async release(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    const known = keys.every((key) => this.#ids.has(key));
    const ids = known ? keys.map((key) => this.#ids.get(key)!) : await this.#heldIds(keys);
    if (await this.#cluster.release(ids)) return;
    // It complains of what has been released before, too: what counts is that none of them is held.
    refuseHeld(await this.#heldIds(keys));
  }

  async #heldIds(keys: readonly string[]): Promise<string[]> {
    const { rows } = await this.#queue();
    return keys.flatMap((key) => (rows.get(key)?.state === 'held' ? [rows.get(key)!.id] : []));
  }

  async status(keys: readonly string[]): Promise<Map<string, Status>> {
    if (keys.length === 0) return new Map();
    const { rows, cancelled } = await this.#queue();
    const known = keys.flatMap((key) => rows.get(key) ?? []);
    const unwell = known.filter(({ state, raw }) => state === 'ended' && !raw?.startsWith('COMPLETED'));
    const found = new Map(known.map((row) => [row.key, statusOf(row)]));
    for (const row of await this.#cluster.exits(unwell)) found.set(row.key, this.#whyEnded(row));
    const missing = keys.filter((key) => !rows.has(key));
    this.#late.clear();
    await this.#withdraw(
      known.filter((row) => row.hopeless),
      found,
    );
    if (missing.length > 0) await this.#missing(missing, cancelled, found);
    this.#listen(found);
    const alive = keys.filter((key) => ['pending', 'running'].includes(found.get(key)?.state ?? ''));
    this.#alive = new Set([...alive, ...this.#late]);
    return new Map(keys.flatMap((key) => (found.has(key) ? [[key, found.get(key)!]] : [])));
  }

  /**
   * A node that Slurm has lost may go on working: as long as its job's heart beats and there is no record, it runs. One
   * that is silent although Slurm says that it runs keeps Slurm's state, and says so: its shared folder may be away.
   */
  #listen(found: Map<string, Status>): void {
    const asked = [...found].filter(([key, { state, raw }]) => {
      return isKey(key) && (state === 'running' || (state === 'ended' && NODE_LOST.test(raw ?? '')));
    });
    if (asked.length === 0) return;
    const signs = reachable(() => this.#jobs.signs(asked.map(([key]) => key)));
    for (const [key, status] of asked) {
      const left = signs.get(key)!;
      const living = beats(left, this.#beat);
      const raw = [status.raw, living ? 'its heart beats' : 'no heartbeat'].filter(Boolean).join(', ');
      if (status.state === 'running' && isSilent(left, this.#beat)) found.set(key, { ...status, raw });
      if (status.state === 'ended' && living && !left.record) found.set(key, { ...status, state: 'running', raw });
    }
  }

  /** Slurm only knows that a job was cancelled; the fence knows why. */
  #whyEnded(row: Row): Status {
    const mark =
      row.raw?.startsWith('CANCELLED') && isKey(row.key) ? reachable(() => this.#jobs.mark(row.key)) : undefined;
    return statusOf(mark?.kind === 'fenced' ? { ...row, raw: mark.why } : row);
  }

  /** Jobs that Slurm says can never start are taken back: fenced, then cancelled, so that they end with its reason. */
  async #withdraw(rows: readonly Row[], found: Map<string, Status>): Promise<void> {
    const ours = reachable(() => rows.filter(({ key, raw }) => this.#jobs.fence(key, `refused ${raw ?? ''}`)));
    if (rows.length > 0) await this.#cluster.cancel(rows.map(({ id }) => id));
    for (const { key, id, raw } of ours) found.set(key, { state: 'ended', backendId: id, raw: `refused ${raw ?? ''}` });
  }

  /** Keys that the controller no longer has: our own marks first, then accounting. */
  async #missing(keys: readonly string[], cancelled: ReadonlyMap<string, string>, found: Map<string, Status>) {
    const unmarked: string[] = [];
    const started = new Set<string>();
    reachable(() => {
      for (const key of keys.filter(isKey)) {
        const mark = this.#jobs.mark(key);
        if (mark?.kind === 'fenced') found.set(key, { state: 'ended', ...this.#idOf(key), raw: mark.why });
        else unmarked.push(key);
        if (mark && mark.kind !== 'fenced') started.add(key);
      }
    });
    for (const key of keys) if (!isKey(key)) found.set(key, { state: 'absent' });
    if (unmarked.length === 0) return;
    const logs = reachable(() => this.#jobs.logsOf(unmarked));
    const age = this.#jobs.age(unmarked.map((key) => partsOf(key).claim));
    const rows = await this.#cluster.remembered(unmarked, new Map([...logs].map(([key, { job }]) => [key, job])), age);
    const lags = (await this.#cluster.config()).accounting === 'slurmdbd';
    const signs = reachable(() => this.#jobs.signs([...started]));
    for (const key of unmarked) {
      const row = rows?.get(key);
      const raw = cancelled.get(partsOf(key).claim);
      const left = signs.get(key);
      if (row?.state === 'ended') found.set(key, statusOf(row));
      else if (left && rows && lags && this.#isLate(key)) this.#late.add(key);
      else if (left) {
        const what = row ? `${row.raw ?? ''} says sacct, no longer in squeue` : 'no longer in squeue';
        found.set(key, { ...this.#idOf(key), ...unlisted(left, this.#beat, what, row !== undefined) });
      } else if (raw !== undefined) found.set(key, { state: 'ended', ...this.#idOf(key), raw });
      else if (rows) found.set(key, { state: 'absent' });
    }
  }

  /** It ended just now, by its record, and accounting may not know yet: why it ended is unknown for a while. */
  #isLate(key: string): boolean {
    const age = this.#jobs.secondsSinceRecord(key) * 1_000;
    return age > 0 && age < PATIENCE;
  }

  #idOf(key: string): { backendId?: string } {
    const id = this.#ids.get(key);
    return id === undefined ? {} : { backendId: id };
  }

  async alive(): Promise<string[]> {
    const { rows } = await this.#queue();
    return [...rows.values()].filter(({ state }) => state !== 'ended').map(({ key }) => key);
  }

  async cancel(keys: readonly string[]): Promise<void> {
    const { rows } = await this.#queue();
    // One that has written its record is at its end.
    const open = reachable(() => keys.filter((key) => !isKey(key) || !this.#jobs.hasRecord(key)));
    const live = new Set(open.filter((key) => rows.has(key) && rows.get(key)!.state !== 'ended'));
    const due = open.filter((key) => isKey(key) && (rows.has(key) || this.#jobs.isOpen(key)));
    reachable(() => {
      // Whoever takes the start fence decides: ours means that it can never start, however late it turns up.
      const fenced = due.filter((key) => this.#jobs.fence(key, 'canceled'));
      const started = due.filter((key) => live.has(key) && this.#jobs.mark(key)?.kind === 'started');
      for (const key of started) this.#jobs.noteCancel(key);
      this.#jobs.close(fenced);
    });
    await this.#cluster.cancel([...live].map((key) => rows.get(key)!.id));
  }

  async records(limit: number): Promise<ResultRecord[]> {
    const names = reachable(() => this.#jobs.list('result/new').slice(0, limit));
    const records = await readRecords(this.#jobs, names);
    return records.filter((record) => !this.#tooEarly(record)).map(withWarning);
  }

  /** Why a killed job was killed is Slurm's to say, and it says so when the job has ended: a second later. */
  #tooEarly({ key, phase, exit }: ResultRecord): boolean {
    if (phase === 'done' || exit <= 128 || !this.#alive.has(key)) return false;
    return this.#jobs.secondsSinceRecord(key) * 1_000 < PATIENCE;
  }

  async acknowledge(records: readonly ResultRecord[]): Promise<void> {
    reachable(() => {
      archiveRecords(this.#jobs, records);
      this.#jobs.close(records.map(({ key }) => key).filter(isKey));
    });
  }

  async logs(keys: readonly string[], bytes: number): Promise<Map<string, string>> {
    const texts = new Map<string, string>();
    for (const [key, { path }] of reachable(() => this.#jobs.logsOf(keys.filter(isKey)))) {
      const text = readTail(path, bytes);
      if (text !== undefined) texts.set(key, text);
    }
    return texts;
  }

  /** Nothing must be kept alive here; old files go, once a day. */
  async ensure(): Promise<void> {
    const queued = async () => (await this.#queue()).rows;
    await sweepIfWritable(this.#jobs, this.#keep, () => this.#jobs.closeOld(this.#keep, queued));
  }

  async close(): Promise<void> {}
}

function statusOf({ state, id, raw }: Row): Status {
  return { state, backendId: id, ...(raw !== undefined && { raw }) };
}

/** The warning signal says what Slurm will say only later. */
function withWarning(record: ResultRecord): ResultRecord {
  if (record.phase !== 'killed' || record.signal !== WARNING_SIGNAL.number) return record;
  return { ...record, reason: `stopped a minute before Slurm's time limit (${record.reason})` };
}

/** @throws ConfigError an option is wrong */
export function check(farm: FarmSettings, { folder }: Pick<BackendContext, 'folder'>): void {
  parseOptions(farm, folder);
}

/**
 * Options: `partition`, `account`, `qos`, `extra` (words for sbatch), `folder` (shared with the workers; default beside
 * the configuration), `scratch` (on the worker), `time` (of modules without a limit), `margin` (beyond a module's
 * limit; 10m), `beat` (between two heartbeats of a job; 1m), `timeout` (of one command of Slurm; 60s), `keep` (of marks, records and logs; 30d).
 * @throws ConfigError an option is wrong
 * @throws UnreachableError the shared folder cannot be made
 */
export async function open(farm: FarmSettings, context: BackendContext): Promise<Backend> {
  const prefix = namePrefix(context.uuid, farm.name);
  const options = parseOptions(farm, context.folder);
  // Several farms and experiments may name the same folder: each has its own part of it.
  const shared = options.folder !== context.folder;
  const jobs = new SlurmJobs(shared ? join(options.folder, `${farm.name}-${prefix.slice(6, -1)}`) : options.folder);
  reachable(() => jobs.create());
  return new SlurmBackend(new Cluster(runner(options.timeout), prefix, options), jobs, options);
}
