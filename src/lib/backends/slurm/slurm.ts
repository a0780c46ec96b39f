// Slurm: held arrays, one per claim and kind of resources. What is said to Slurm and what it answers is in slurm/; marks,
// records and logs are shared/folder/onfolder.ts. Jobs are found by name and task number alone: a crash that lost the ids loses nothing.

import { join } from 'node:path';
import type { Backend, BackendAbout, BackendContext, Status, Task } from '../../backend.ts';
import type { Identity } from '../../domain/farms/farm.ts';
import type { FarmSettings } from '../../domain/settings.ts';
import { have } from '../../util/values/have.ts';
import type { ResultRecord } from '../../wrapper/record.ts';
import { renderSpec } from '../../wrapper/spec.ts';
import { fill } from '../shared/fill.ts';
import { partsOf } from '../shared/folder/jobfolder.ts';
import { FolderBackend } from '../shared/folder/onfolder.ts';
import { reaching } from '../shared/folder/reachable.ts';
import { namePrefix } from '../shared/prefix.ts';
import { type Given, type Scheduler, statusOf } from '../shared/scheduler.ts';
import { userName } from '../shared/user.ts';
import { arrayParts, rowsOf, withRows } from './arrays.ts';
import { Cluster } from './cluster.ts';
import { WARNING_SIGNAL } from './commands.ts';
import { SlurmJobs } from './jobs.ts';
import { parseOptions } from './options.ts';
import type { Row } from './parse.ts';
import { runner } from './run.ts';

const reachable = reaching('the folder shared with the jobs');

/** Slurm has lost a job's node. */
const NODE_LOST = /^(NODE_FAIL|BOOT_FAIL)/;

class Slurm implements Scheduler<Row> {
  readonly name = 'Slurm';
  readonly inspect = 'scontrol show job';
  readonly unlisted = 'no longer in squeue';
  readonly render = renderSpec;
  readonly #cluster: Cluster;
  readonly #jobs: SlurmJobs;
  /** Backend ids as last heard: what is released right after a submit needs no question. */
  readonly #ids = new Map<string, string>();
  /** Claims of which tasks were cancelled before they started, as last listed. */
  #cancelled: ReadonlyMap<string, string> = new Map();

  constructor(cluster: Cluster, jobs: SlurmJobs) {
    this.#cluster = cluster;
    this.#jobs = jobs;
  }

  async identity(): Promise<Identity> {
    const { cluster } = await this.#cluster.config();
    return { cluster, user: userName() };
  }

  about(): Promise<BackendAbout> {
    return this.#cluster.about();
  }

  ready(): Promise<unknown> {
    return this.#cluster.config();
  }

  async submit(claim: string, tasks: readonly Task[]): Promise<Given[]> {
    const { maxArraySize } = await this.#cluster.config();
    const paths = this.#jobs.paths(claim);
    const given: Given[] = [];
    for (const part of arrayParts(claim, tasks, maxArraySize)) {
      const handed = await fill(rowsOf(part), (rows) => this.#cluster.submit(withRows(part, rows), paths));
      for (const { tasks: rows, answer } of handed) {
        const keys = rows.map(({ key }) => key);
        if ('refused' in answer) given.push({ keys, answer });
        else given.push({ keys, answer: rows.map(({ key, task }) => this.#learn(key, `${answer.job}_${task}`)) });
      }
    }
    return given;
  }

  #learn(key: string, id: string): string {
    this.#ids.set(key, id);
    return id;
  }

  async queue(): Promise<ReadonlyMap<string, Row>> {
    const { rows, cancelled } = await this.#cluster.queue();
    for (const { key, id } of rows.values()) this.#ids.set(key, id);
    this.#cancelled = cancelled;
    return rows;
  }

  async release(keys: readonly string[]): Promise<boolean> {
    const ids = keys.every((key) => this.#ids.has(key)) ? keys.map((key) => have(this.#ids, key)) : undefined;
    return this.#cluster.release(ids ?? (await this.#heldIds(keys)));
  }

  async #heldIds(keys: readonly string[]): Promise<string[]> {
    const rows = await this.queue();
    return keys.flatMap((key) => (rows.get(key)?.state === 'held' ? [have(rows, key).id] : []));
  }

  async cancel(rows: readonly Row[]): Promise<true> {
    await this.#cluster.cancel(rows.map(({ id }) => id));
    return true;
  }

  isLive({ state }: Row): boolean {
    return state !== 'ended';
  }

  /** Exit codes, which the listing does not have; what Slurm says can never start is taken back. */
  async explain(rows: readonly Row[], found: Map<string, Status>): Promise<void> {
    const unwell = rows.filter(({ state, raw }) => state === 'ended' && !raw?.startsWith('COMPLETED'));
    for (const row of await this.#cluster.exits(unwell)) found.set(row.key, statusOf(row));
    await this.#withdraw(
      rows.filter((row) => row.hopeless),
      found,
    );
  }

  /** Jobs that can never start are fenced, then cancelled, so that they end with Slurm's reason. */
  async #withdraw(rows: readonly Row[], found: Map<string, Status>): Promise<void> {
    const ours = reachable(() => rows.filter(({ key, raw }) => this.#jobs.fence(key, `refused ${raw ?? ''}`)));
    if (rows.length > 0) await this.#cluster.cancel(rows.map(({ id }) => id));
    for (const { key, id, raw } of ours) found.set(key, { state: 'ended', backendId: id, raw: `refused ${raw ?? ''}` });
  }

  remembered(keys: readonly string[], age: number): Promise<ReadonlyMap<string, Row> | undefined> {
    const jobs = reachable(() => this.#jobs.logsOf(keys));
    return this.#cluster.remembered(keys, new Map([...jobs].map(([key, { job }]) => [key, job])), age);
  }

  async lags(): Promise<boolean> {
    return (await this.#cluster.config()).accounting === 'slurmdbd';
  }

  lastWord(key: string): string | undefined {
    return this.#cancelled.get(partsOf(key).claim);
  }

  idOf(key: string): string | undefined {
    return this.#ids.get(key);
  }

  hasLost(raw: string): boolean {
    return NODE_LOST.test(raw);
  }

  /** The warning signal says what Slurm will say only later. */
  reading(record: ResultRecord): ResultRecord {
    if (record.phase !== 'killed' || record.signal !== WARNING_SIGNAL.number) return record;
    return { ...record, reason: `stopped a minute before Slurm's time limit (${record.reason})` };
  }

  logs(keys: readonly string[]): ReadonlyMap<string, string> {
    return new Map([...this.#jobs.logsOf(keys)].map(([key, { path }]) => [key, path]));
  }
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
  return new FolderBackend(new Slurm(new Cluster(runner(options.timeout), prefix, options), jobs), jobs, options);
}
