// HTCondor: one held submission per claim. Owns the contract's calls; what is said to HTCondor and what it answers is in
// htcondor/. Jobs are found by attributes of their own, so a crash that lost the ids loses nothing.
import { join } from 'node:path';
import type { Backend, BackendContext, Refused, Status, Task } from '../backend.ts';
import type { Identity } from '../domain/farms/farm.ts';
import type { FarmSettings } from '../domain/settings.ts';
import { ConfigError, UnreachableError } from '../util/errors.ts';
import type { ResultRecord } from '../wrapper/record.ts';
import { isKey } from '../wrapper/spec.ts';
import { storeName } from './htcondor/constraint.ts';
import { CondorJobs } from './htcondor/jobs.ts';
import { type CondorOptions, parseOptions } from './htcondor/options.ts';
import type { Row } from './htcondor/parse.ts';
import { Pool } from './htcondor/pool.ts';
import { runner } from './htcondor/run.ts';
import { partsOfClaim } from './htcondor/submission.ts';
import { readTail } from './shared/files.ts';
import { fill } from './shared/fill.ts';
import { isSilent, unlisted } from './shared/heartbeat.ts';
import { partsOf } from './shared/jobfolder.ts';
import { reaching } from './shared/reachable.ts';
import { archiveRecords, readRecords } from './shared/records.ts';
import { sweepIfWritable } from './shared/sweep.ts';

const reachable = reaching('the folder of the jobs');

/** A killed job's record waits this long, ms, for HTCondor's own word of why it was killed. */
const PATIENCE = 60_000;

/** Sizes of waiting jobs for which it is asked whether any machine has them, at most. */
const KINDS = 10;

class CondorBackend implements Backend {
  readonly #pool: Pool;
  readonly #jobs: CondorJobs;
  readonly #keep: number;
  /** Milliseconds between two heartbeats of a job. */
  readonly #beat: number;
  /** Keys that `status` last found not ended. */
  #alive = new Set<string>();

  constructor(pool: Pool, jobs: CondorJobs, { keep, beat }: CondorOptions) {
    this.#pool = pool;
    this.#jobs = jobs;
    this.#keep = keep;
    this.#beat = beat;
  }

  identity(): Promise<Identity> {
    return this.#pool.identity();
  }

  async submit(claim: string, tasks: readonly Task[]): Promise<Map<string, string | Refused>> {
    const answers = new Map<string, string | Refused>();
    const files = tasks.flatMap((task) => {
      const text = this.#render(task);
      if (typeof text !== 'string') answers.set(task.key, text);
      return typeof text === 'string' ? [[task.key, text] as const] : [];
    });
    const limits = await this.#pool.limits();
    reachable(() => {
      this.#jobs.create();
      this.#jobs.writeJobs(claim, files);
    });
    const fit = tasks.filter(({ key }) => !answers.has(key));
    for (const part of partsOfClaim(claim, fit, Math.min(limits.submission, limits.owner, limits.all))) {
      const handed = await fill(part.tasks, (some) => this.#pool.submit({ ...part, tasks: some }, this.#jobs.paths));
      for (const { tasks: some, answer } of handed) {
        if ('refused' in answer) reachable(() => this.#jobs.close(some.map(({ key }) => key)));
        for (const [at, { key }] of some.entries()) answers.set(key, 'refused' in answer ? answer : answer[at]!);
      }
    }
    return new Map(tasks.map(({ key }) => [key, answers.get(key)!]));
  }

  /** A job whose files cannot travel is refused like one that HTCondor refuses: the others of its claim go on. */
  #render({ spec }: Task): string | Refused {
    try {
      return this.#jobs.render(spec);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { refused: error.message };
    }
  }

  async release(keys: readonly string[]): Promise<void> {
    if (keys.length === 0 || (await this.#pool.release(keys))) return;
    const rows = await this.#pool.queue();
    refuse(
      'release',
      keys.filter((key) => rows.get(key)?.state === 'held'),
    );
  }

  async status(keys: readonly string[]): Promise<Map<string, Status>> {
    if (keys.length === 0) return new Map();
    const rows = await this.#pool.queue();
    const found = new Map<string, Status>();
    for (const key of keys) if (rows.has(key)) found.set(key, statusOf(rows.get(key)!));
    await this.#missing(
      keys.filter((key) => !rows.has(key)),
      found,
    );
    this.#listen(found);
    await this.#explain(
      keys.flatMap((key) => rows.get(key) ?? []),
      found,
    );
    this.#alive = new Set(keys.filter((key) => ['pending', 'running'].includes(found.get(key)?.state ?? '')));
    return new Map(keys.flatMap((key) => (found.has(key) ? [[key, found.get(key)!]] : [])));
  }

  /** Keys that have left the queue, or never were in it: history first, then our own marks. */
  async #missing(keys: readonly string[], found: Map<string, Status>): Promise<void> {
    const ours = keys.filter(isKey);
    for (const key of keys) if (!isKey(key)) found.set(key, { state: 'absent' });
    if (ours.length === 0) return;
    const [marks, age] = reachable(() => [
      new Map(ours.flatMap((key) => [[key, this.#jobs.mark(key)] as const].filter(([, mark]) => mark !== undefined))),
      this.#jobs.age(ours.map((key) => partsOf(key).claim)),
    ]);
    const open = ours.filter((key) => marks.get(key)?.kind !== 'fenced');
    const rows = open.length === 0 ? new Map<string, Row>() : await this.#pool.history(open, age);
    const signs = reachable(() => this.#jobs.signs(open.filter((key) => marks.has(key) && !rows?.has(key))));
    for (const key of ours) {
      const [row, mark, left] = [rows?.get(key), marks.get(key), signs.get(key)];
      if (mark?.kind === 'fenced') found.set(key, { state: 'ended', ...(row && { backendId: row.id }), raw: mark.why });
      else if (row) found.set(key, { ...statusOf(row), state: 'ended' });
      else if (left) found.set(key, unlisted(left, this.#beat, 'no longer in the queue'));
      else if (rows) found.set(key, { state: 'absent' });
    }
  }

  /** One that is silent although HTCondor says that it runs keeps its state, and says so: its shared folder may be away. */
  #listen(found: Map<string, Status>): void {
    const running = [...found].filter(([key, { state }]) => state === 'running' && isKey(key));
    const signs = reachable(() => this.#jobs.signs(running.map(([key]) => key)));
    for (const [key, status] of running) {
      if (!isSilent(signs.get(key)!, this.#beat)) continue;
      found.set(key, { ...status, raw: [status.raw, 'no heartbeat'].filter(Boolean).join(', ') });
    }
  }

  /** HTCondor lets a job wait for ever that no machine is large enough for, without a word. One may still come. */
  async #explain(rows: readonly Row[], found: Map<string, Status>): Promise<void> {
    const kinds = new Map<string, Row[]>();
    for (const row of rows) {
      if (!row.wants) continue;
      const kind = `${row.wants.memory} MiB and ${row.wants.cpus} CPU`;
      kinds.set(kind, [...(kinds.get(kind) ?? []), row]);
    }
    for (const [kind, alike] of [...kinds].slice(0, KINDS)) {
      if (await this.#pool.hasMachine(alike[0]!.wants!)) continue;
      for (const row of alike) found.set(row.key, { ...statusOf(row), raw: `no machine of the pool has ${kind}` });
    }
  }

  async alive(): Promise<string[]> {
    const rows = await this.#pool.queue();
    return [...rows.values()].filter(({ state }) => state !== 'ended').map(({ key }) => key);
  }

  async cancel(keys: readonly string[]): Promise<void> {
    const rows = await this.#pool.queue();
    // One that has written its record is at its end.
    const open = reachable(() => keys.filter((key) => !isKey(key) || !this.#jobs.hasRecord(key)));
    const live = open.filter((key) => rows.has(key));
    reachable(() => {
      for (const key of open.filter((one) => isKey(one) && (rows.has(one) || this.#jobs.isOpen(one)))) {
        // Whoever takes the start fence decides: ours means that it can never start, however late it turns up.
        if (this.#jobs.fence(key, 'canceled')) this.#jobs.close([key]);
        else if (this.#jobs.mark(key)?.kind === 'started') this.#jobs.noteCancel(key);
      }
    });
    if (live.length === 0 || (await this.#pool.cancel(live))) return;
    const left = await this.#pool.queue();
    refuse(
      'remove',
      live.filter((key) => left.has(key) && !left.get(key)!.raw?.startsWith('REMOVED')),
    );
  }

  async records(limit: number): Promise<ResultRecord[]> {
    const names = reachable(() => {
      this.#jobs.collect();
      return this.#jobs.list('result/new').slice(0, limit);
    });
    const records = await readRecords(this.#jobs, names);
    return records.filter((record) => !this.#tooEarly(record));
  }

  /** Why a killed job was killed is HTCondor's to say, and it says so when the job has ended: a second later. */
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
    for (const key of keys.filter(isKey)) {
      const text = reachable(() => readTail(this.#jobs.logPath(key), bytes));
      if (text !== undefined) texts.set(key, text);
    }
    return texts;
  }

  /** Nothing must be kept alive here; old files go, once a day. */
  async ensure(): Promise<void> {
    await sweepIfWritable(this.#jobs, this.#keep, () => this.#jobs.closeOld(this.#keep, () => this.#pool.queue()));
  }

  async close(): Promise<void> {}
}

function statusOf({ state, id, raw }: Row): Status {
  return { state, backendId: id, ...(raw !== undefined && { raw }) };
}

/** @throws UnreachableError HTCondor did not do what it was told for some keys */
function refuse(what: 'release' | 'remove', keys: readonly string[]): void {
  if (keys.length === 0) return;
  throw new UnreachableError(`HTCondor did not ${what} ${keys.length} jobs: ${keys.slice(0, 3).join(', ')}`, {
    hint: 'condor_q -hold',
  });
}

/** @throws ConfigError an option is wrong */
export function check(farm: FarmSettings, { folder }: Pick<BackendContext, 'folder'>): void {
  parseOptions(farm, folder);
}

/**
 * Options: `transfer` (true: no folder is shared with the workers, files travel with HTCondor), `folder` (of the jobs'
 * files; default beside the configuration), `scratch` (on the worker), `schedd`, `pool`, `accounting_group`,
 * `accounting_group_user`, `requirements`, `extra` (lines of a submit description), `time` (of modules without a limit),
 * `margin` (beyond a module's limit; 10m), `beat` (between two heartbeats of a job; 1m), `timeout` (of one command; 60s), `keep` (of marks, records and logs; 30d).
 * @throws ConfigError an option is wrong
 * @throws UnreachableError the folder cannot be made
 */
export async function open(farm: FarmSettings, context: BackendContext): Promise<Backend> {
  const options = parseOptions(farm, context.folder);
  const store = storeName(context.uuid, farm.name);
  // Several farms and experiments may name the same folder: each has its own part of it.
  const own = options.folder !== context.folder;
  const folder = own ? join(options.folder, `${farm.name}-${store}`) : options.folder;
  const jobs = new CondorJobs(folder, options);
  reachable(() => jobs.create());
  return new CondorBackend(new Pool(runner(options.timeout), store, options), jobs, options);
}
