// HTCondor: one held submission per claim. What is said to HTCondor and what it answers is in htcondor/; marks, records
// and logs are shared/folder/onfolder.ts. Jobs are found by attributes of their own: a crash that lost the ids loses nothing.

import { join } from 'node:path';
import type { Backend, BackendAbout, BackendContext, Refused, Status, Task } from '../../backend.ts';
import type { Identity } from '../../domain/farms/farm.ts';
import type { FarmSettings } from '../../domain/settings.ts';
import { ConfigError } from '../../util/errors.ts';
import { groupBy } from '../../util/values/group.ts';
import { nth } from '../../util/values/have.ts';
import type { JobSpec } from '../../wrapper/spec.ts';
import { fill } from '../shared/fill.ts';
import { FolderBackend } from '../shared/folder/onfolder.ts';
import { type Given, type Scheduler, statusOf } from '../shared/scheduler.ts';
import { storeName } from './constraint.ts';
import { CondorJobs } from './jobs.ts';
import { parseOptions } from './options.ts';
import type { Row } from './parse.ts';
import { Pool } from './pool.ts';
import { runner } from './run.ts';
import { partsOfClaim } from './submission.ts';

/** Sizes of waiting jobs for which it is asked whether any machine has them, at most. */
const KINDS = 10;

class Condor implements Scheduler<Row> {
  readonly name = 'HTCondor';
  readonly inspect = 'condor_q -hold';
  readonly unlisted = 'no longer in the queue';
  readonly #pool: Pool;
  readonly #jobs: CondorJobs;

  constructor(pool: Pool, jobs: CondorJobs) {
    this.#pool = pool;
    this.#jobs = jobs;
  }

  identity(): Promise<Identity> {
    return this.#pool.identity();
  }

  about(): Promise<BackendAbout> {
    return this.#pool.about();
  }

  /** A job whose files cannot travel is refused like one that HTCondor refuses: the others of its claim go on. */
  render(spec: JobSpec): string | Refused {
    try {
      return this.#jobs.render(spec);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      return { refused: error.message };
    }
  }

  ready(): Promise<unknown> {
    return this.#pool.limits();
  }

  async submit(claim: string, tasks: readonly Task[]): Promise<Given[]> {
    const limits = await this.#pool.limits();
    const given: Given[] = [];
    for (const part of partsOfClaim(claim, tasks, Math.min(limits.submission, limits.owner, limits.all))) {
      const handed = await fill(part.tasks, (some) => this.#pool.submit({ ...part, tasks: some }, this.#jobs.paths));
      given.push(...handed.map(({ tasks: some, answer }) => ({ keys: some.map(({ key }) => key), answer })));
    }
    return given;
  }

  queue(): Promise<ReadonlyMap<string, Row>> {
    return this.#pool.queue();
  }

  release(keys: readonly string[]): Promise<boolean> {
    return this.#pool.release(keys);
  }

  cancel(rows: readonly Row[]): Promise<boolean> {
    return this.#pool.cancel(rows.map(({ key }) => key));
  }

  /** What HTCondor holds for good has ended for dflow, and must still be removed. */
  isLive({ raw }: Row): boolean {
    return !raw?.startsWith('REMOVED');
  }

  /** HTCondor lets a job wait for ever that no machine is large enough for, without a word. One may still come. */
  async explain(rows: readonly Row[], found: Map<string, Status>): Promise<void> {
    const waiting = rows.flatMap((row) => (row.wants ? [{ row, wants: row.wants }] : []));
    const kinds = groupBy(waiting, ({ wants }) => `${wants.memory} MiB and ${wants.cpus} CPU`);
    for (const [kind, alike] of [...kinds].slice(0, KINDS)) {
      if (await this.#pool.hasMachine(nth(alike, 0).wants)) continue;
      for (const { row } of alike) found.set(row.key, { ...statusOf(row), raw: `no machine of the pool has ${kind}` });
    }
  }

  async remembered(keys: readonly string[], age: number): Promise<ReadonlyMap<string, Row> | undefined> {
    const rows = await this.#pool.history(keys, age);
    return rows && new Map([...rows].map(([key, row]) => [key, { ...row, state: 'ended' }]));
  }

  logs(keys: readonly string[]): ReadonlyMap<string, string> {
    return new Map(keys.map((key) => [key, this.#jobs.logPath(key)]));
  }
}

/** @throws ConfigError an option is wrong */
export function check(farm: FarmSettings, { folder }: Pick<BackendContext, 'folder'>): void {
  parseOptions(farm, folder);
}

/**
 * docs/systems.md lists the options.
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
  return new FolderBackend(new Condor(new Pool(runner(options.timeout), store, options), jobs), jobs, options);
}
