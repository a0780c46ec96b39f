// Copies of a few passes' outputs: claim, copy, publish. The copying is that of transfer: temporary name, the
// destination's checksum, rename.
import type { RawFile } from '../../domain/data.ts';
import { refOf } from '../../domain/ids.ts';
import type { JobDoc } from '../../domain/job.ts';
import {
  claimOutputs,
  isClaimed,
  isPublished,
  type OutputResult,
  type OutputTask,
  publishCopies,
  renewOutputs,
} from '../../domain/outcopies.ts';
import type { CopyTask } from '../../domain/replicas.ts';
import { parallel } from '../../util/concurrency.ts';
import { ItemError, StoreError } from '../../util/errors.ts';
import { groupBy } from '../../util/group.ts';
import { plus } from '../../util/time.ts';
import type { Item, Step } from '../ports.ts';
import { type CopyLease, copyOne, removeStale } from '../transfer/copy.ts';
import { openLanes, placesOf } from '../transfer/lanes.ts';
import type { Session } from '../transfer/session.ts';
import { SlotLostError } from '../transfer/slots.ts';

/** Lanes of outputs are counted under this name: no buffer has it. */
const LEVEL = 'outputs';

/** Makes these copies; items: `{kind: 'replica', ref, file, storage, did: 'verified'|'failed'|'skipped', bytes}`. */
export async function* copyOutputs(session: Session, tasks: readonly OutputTask[], jobs: Map<string, JobDoc>): Step {
  const { ports } = session;
  const lanes = await openLanes(
    ports,
    placesOf(
      ports,
      LEVEL,
      tasks.map(({ to }) => to),
    ),
  );
  try {
    const open = lanes.level > 0 ? tasks.filter(({ to }) => (lanes.storages.get(to) ?? 0) > 0) : [];
    session.left += tasks.length - open.length;
    const { nonce, mine } = await claim(session, open, jobs);
    const lease = new OutputLease(session, nonce, [...new Set(mine.map(({ job }) => job))]);
    const results: OutputResult[] = [];
    const limit = Math.min(lanes.level, ...mine.map(({ to }) => lanes.storages.get(to)!));
    let fatal: unknown;
    try {
      await removeStale(
        session,
        mine.map((task) => asCopy(jobs.get(task.job)!, task)),
      );
      const one = async (task: OutputTask): Promise<OutputResult> => {
        if (fatal !== undefined) return { task, did: 'released', why: 'stopped before it began' };
        return copy(session, jobs.get(task.job)!, task, lease).catch((error: unknown): OutputResult => {
          fatal ??= error;
          return { task, did: 'released', why: 'stopped' };
        });
      };
      for await (const result of parallel(mine, limit, one)) results.push(result);
    } finally {
      await lease.stop();
    }
    const before = new Map(jobs);
    await publish(session, results, nonce, jobs);
    for (const result of results) {
      const item = itemOf(before.get(result.task.job)!, result, isPublished(jobs.get(result.task.job), result.task));
      if (item) yield item;
    }
    if (fatal !== undefined) throw fatal;
  } finally {
    await lanes.release();
  }
}

async function claim(session: Session, tasks: readonly OutputTask[], jobs: Map<string, JobDoc>) {
  const { store, settings, host, nonce: fresh } = session.ports;
  const nonce = fresh();
  const now = await store.now();
  const claimer = { nonce, host, now, expires: plus(now, settings.transfer.lease) };
  await change(session, jobs, tasks, (job, mine) => claimOutputs(job, mine, claimer));
  return { nonce, mine: tasks.filter(({ job, to }) => isClaimed(jobs.get(job), to, nonce)) };
}

async function publish(
  session: Session,
  results: readonly OutputResult[],
  nonce: string,
  jobs: Map<string, JobDoc>,
): Promise<void> {
  const settling = { nonce, now: await session.ports.store.now(), retry: session.ports.settings.transfer.retry };
  const byTask = new Map(results.map((result) => [result.task, result]));
  await change(session, jobs, [...byTask.keys()], (job, mine) =>
    publishCopies(
      job,
      mine.map((task) => byTask.get(task)!),
      settling,
    ),
  );
}

async function change(
  { ports }: Session,
  jobs: Map<string, JobDoc>,
  tasks: readonly OutputTask[],
  make: (job: JobDoc, mine: readonly OutputTask[]) => JobDoc | undefined,
): Promise<void> {
  const byJob = groupBy(tasks, ({ job }) => job);
  const outcomes = await ports.store.bulk<JobDoc>(
    [...byJob].map(([id, mine]) => ({
      id,
      change: (job) => {
        const next = job && make(job, mine);
        return next ? { write: next } : { skip: 'it has changed meanwhile' };
      },
    })),
  );
  const now = await ports.store.get<JobDoc>(outcomes.map(({ id }) => id));
  for (const [id, job] of now) jobs.set(id, job);
}

/** The execution is in the path, so what lies there by this name can only be the same, or the rest of another try. */
function asCopy(job: JobDoc, { source, to, attempt }: OutputTask): CopyTask {
  const { name, path, size, adler32, guid, lfn, storage } = source;
  const file: RawFile = {
    name,
    path,
    size,
    adler32,
    guid,
    lfn,
    subrun: 0,
    modified: job.created,
    registered: job.created,
    late: false,
    original: { state: 'present' },
    replicas: {},
  };
  const task = { id: job._id, level: LEVEL, run: job.run, file, source: { site: storage, path }, to, path, attempt };
  return { ...task, repair: { path, why: 'an output' } };
}

async function copy(session: Session, job: JobDoc, task: OutputTask, lease: OutputLease): Promise<OutputResult> {
  const one = asCopy(job, task);
  const there = await session.sites
    .attempt(task.to, async (storage) => {
      if (!(await storage.stat([one.path])).has(one.path)) return undefined;
      return storage.checksum(one.path);
    })
    .catch((error: unknown) => {
      if (error instanceof ItemError) return undefined;
      throw error;
    });
  if (there?.adler32 === one.file.adler32 && there.size === one.file.size) return { task, did: 'verified' };
  const { did, why } = await copyOne(session, { task: one, there: false }, lease);
  const reason = why === undefined ? {} : { why };
  if (did === 'verified' || did === 'adopted') return { task, did: 'verified' };
  return { task, did: did === 'failed' ? 'failed' : 'released', ...reason };
}

/** The claims of a batch, renewed until it is stopped. */
class OutputLease implements CopyLease {
  readonly nonce: string;
  readonly #session: Session;
  readonly #jobs: readonly string[];
  readonly #stopped = new AbortController();
  readonly #lost = new AbortController();
  readonly #renewing: Promise<void>;

  constructor(session: Session, nonce: string, jobs: readonly string[]) {
    this.#session = session;
    this.nonce = nonce;
    this.#jobs = jobs;
    this.#renewing = this.#loop();
    this.#renewing.catch(() => undefined);
  }

  signal(): AbortSignal {
    return this.#lost.signal;
  }

  async confirm(task: CopyTask): Promise<void> {
    const job = (await this.#session.ports.store.get<JobDoc>([task.id])).get(task.id);
    if (!isClaimed(job, task.to, this.nonce)) throw new SlotLostError(`${task.file.name} to ${task.to}: claim lost`);
  }

  stop(): Promise<void> {
    this.#stopped.abort();
    return this.#renewing;
  }

  async #loop(): Promise<void> {
    const { store, settings, sleep } = this.#session.ports;
    for (;;) {
      await sleep(settings.transfer.lease / 3, this.#stopped.signal);
      if (this.#stopped.signal.aborted) return;
      try {
        const expires = plus(await store.now(), settings.transfer.lease);
        await store.bulk<JobDoc>(
          this.#jobs.map((id) => ({
            id,
            change: (job) => {
              const next = job && renewOutputs(job, this.nonce, expires);
              return next ? { write: next } : { skip: 'no claim of it is ours' };
            },
          })),
        );
      } catch (error) {
        // A store that is away for a moment is asked again; `confirm` says whether the claim held.
        if (!(error instanceof StoreError)) throw error;
      }
    }
  }
}

function itemOf(job: JobDoc, { task, did, why }: OutputResult, published: boolean): Item | undefined {
  const { source, to, subjob } = task;
  const ref = refOf(job.run, job.module, job.pass, subjob);
  const item = { kind: 'replica', ref, run: job.run, file: source.name, storage: to };
  if (did === 'released') return undefined;
  if (did === 'failed') {
    const text = `${source.name} to ${to}: ${why ?? 'failed'}`;
    return { ...item, did, bytes: 0, failed: true, text, next: `dflow list replicas ${ref}` };
  }
  if (!published) return { ...item, did: 'skipped', bytes: 0, text: `${source.name}: the pass has changed meanwhile` };
  return { ...item, did, bytes: source.size, text: `${source.name} from ${source.storage}` };
}
