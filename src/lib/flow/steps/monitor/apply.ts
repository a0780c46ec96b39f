// The second half of monitor: observations in, changed documents out, in bulk; then what follows at the backend
// (release, cancel), the records acknowledged only after their change is confirmed, and dependents woken.

import type { Backend } from '../../../backend.ts';
import { refOf } from '../../../domain/ids.ts';
import { type JobDoc, type Subjob, touch, transition } from '../../../domain/jobs/job.ts';
import { rulesFor } from '../../../domain/jobs/policy.ts';
import { keyOf } from '../../../domain/jobs/states.ts';
import { badOf } from '../../../domain/modules/badmodules.ts';
import type { Settings } from '../../../domain/settings.ts';
import { type Change, type Decision, tookEffect } from '../../../store.ts';
import { ahead, parallel } from '../../../util/concurrency.ts';
import type { Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { addTo, batches, groupBy } from '../../../util/values/group.ts';
import type { ResultRecord } from '../../../wrapper/record.ts';
import { withDryRun } from '../../dry.ts';
import { openFarm } from '../../farms/farm.ts';
import { wakeSleepers } from '../../jobs/wake.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import {
  type Applied,
  type Context,
  currentAttempt,
  type Decided,
  type Reaction,
  react,
  type Verification,
} from './decide.ts';
import { type Kind, kindOf, siteFaults } from './faults.ts';
import { isMissing, type Observation } from './observation.ts';
import { verifyOutputs } from './readback.ts';
import { settleSuperseded } from './superseded.ts';
import { type CompletedSubjob, loadOutputs } from './tableoutputs.ts';

/** Jobs changed in one bulk write. */
const BATCH = 1000;
/** Outputs checked at once. */
const VERIFY = 8;

/** Applies observations, of any sites, as they come. */
export function applyObservations(
  ports: Ports,
  observations: Iterable<Observation> | AsyncIterable<Observation>,
  options: StepOptions = {},
): Step {
  return withDryRun(ports, options, (on) => applyAll(on, observations));
}

async function* applyAll(ports: Ports, observations: Iterable<Observation> | AsyncIterable<Observation>): Step {
  const bySite = new Map<string, Observation[]>();
  for await (const seen of observations) addTo(bySite, seen.site, seen);
  for (const [site, all] of bySite) {
    const fault = vanished(ports, site, all);
    if (fault) yield fault;
    const believed = fault ? all.filter((seen) => !isMissing(seen)) : all;
    yield* applySite(ports, site, believed);
  }
}

/** Many of a site's jobs missing at once are a site fault, not that many losses. */
function vanished(ports: Ports, site: string, all: readonly Observation[]): Item | undefined {
  const asked = all.filter((seen) => !seen.superseded);
  const absent = asked.filter((seen) => isMissing(seen) && seen.job !== undefined).length;
  if (absent < 5 || absent <= asked.length * ports.settings.limits.vanish) return undefined;
  return {
    kind: 'farm',
    ref: site,
    did: 'site-fault',
    failed: true,
    absent,
    asked: asked.length,
    text: `${absent} of ${asked.length} jobs vanished at once: nothing is taken for lost; if the batch system has lost them for good, dflow farm unlock ${site} gives them up`,
    next: `dflow monitor poll --site ${site}`,
  };
}

async function* applySite(ports: Ports, site: string, all: readonly Observation[]): Step {
  const { backend } = await openFarm(ports, site);
  const byJob = groupBy(all, (seen) => seen.job ?? '');
  const orphans = byJob.get('') ?? [];
  byJob.delete('');
  // Only reading runs ahead: what is told to the backend keeps its order.
  for await (const read of ahead(batches([...byJob], BATCH), (some) => readBatch(ports, new Map(some))))
    yield* applyBatch(ports, backend, read);
  if (orphans.length > 0) yield* applyOrphans(ports, backend, orphans);
}

/** Keys that no claim knows: held leftovers of a submit that was taken after it had been given up. */
async function* applyOrphans({ dry }: Ports, backend: Backend, orphans: readonly Observation[]): Step {
  const stop = orphans
    .filter((seen) => react(undefined, seen, undefined, NO_CONTEXT).do === 'stop')
    .map((seen) => seen.key);
  const records = orphans.flatMap((seen) => seen.record ?? []);
  for (const key of stop) yield { kind: 'farm', ref: key, did: 'orphan-canceled' };
  if (dry) return;
  if (stop.length > 0) await backend.cancel(stop);
  if (records.length > 0) await backend.acknowledge(records);
}

const NO_CONTEXT: Context = { now: '', grace: 0, policy: [], tries: 0 };

/** Observations by job, with what is known of them. */
interface Batch {
  readonly seen: ReadonlyMap<string, Observation[]>;
  readonly docs: ReadonlyMap<string, JobDoc>;
  readonly verified: ReadonlyMap<string, Verification>;
}

async function readBatch(ports: Ports, seen: Batch['seen']): Promise<Batch> {
  const docs = await ports.store.get<JobDoc>([...seen.keys()]);
  return { seen, docs, verified: await verifyAll(ports, docs, seen) };
}

async function* applyBatch(ports: Ports, backend: Backend, { seen: batch, docs, verified }: Batch): Step {
  const now = await ports.store.now();
  const changes = [...batch].map(([id, seen]): Change<JobDoc, readonly Decided[]> => {
    const base = docs.get(id);
    return { id, ...(base ? { base } : {}), change: (doc) => decideJob(ports, doc, seen, verified, now) };
  });
  const outcomes = await ports.store.bulk(changes);
  yield* itemsOf(outcomes);
  yield* unjudged(docs, outcomes);
  if (ports.dry) return;
  // Before the records are put away: a monitor that ends here meets them again.
  const unread = yield* loadOutputs(ports, completedBy(outcomes));
  await atBackend(backend, outcomes, unread);
  await settleSuperseded(ports, outcomes);
  await wakeSleepers(ports, newlyCompleted(outcomes));
  yield* siteFaults(ports, failedKinds(outcomes));
}

/** Verifies the outputs of every record that its job still owns. */
async function verifyAll(
  ports: Ports,
  docs: ReadonlyMap<string, JobDoc>,
  batch: ReadonlyMap<string, Observation[]>,
): Promise<Map<string, Verification>> {
  const due: { job: JobDoc; subjob: Subjob; key: string; record: ResultRecord }[] = [];
  for (const [id, all] of batch) {
    const job = docs.get(id);
    for (const seen of all) {
      const subjob = seen.subjob === undefined ? undefined : job?.subjobs[seen.subjob];
      const record = seen.record;
      if (!job || !subjob || record?.phase !== 'done' || !currentAttempt(subjob, seen.key)) continue;
      due.push({ job, subjob, key: seen.key, record });
    }
  }
  const verified = new Map<string, Verification>();
  const checks = parallel(due, VERIFY, async ({ job, subjob, key, record }) => {
    return [key, await verifyOutputs(ports, job, subjob, record)] as const;
  });
  for await (const [key, verification] of checks) verified.set(key, verification);
  return verified;
}

/** The change of one job by all its observations; its note is what was decided, for what follows at the backend. */
function decideJob(
  ports: Ports,
  doc: JobDoc | undefined,
  all: readonly Observation[],
  verified: ReadonlyMap<string, Verification>,
  now: Iso,
): Decision<JobDoc, readonly Decided[]> {
  const note: Decided[] = [];
  const { settings } = ports;
  let next = doc;
  for (const seen of all) {
    const subjob = seen.subjob === undefined ? undefined : next?.subjobs[seen.subjob];
    const reaction = judged(
      settings,
      next,
      react(subjob, seen, verified.get(seen.key), contextOf(settings, next, now)),
    );
    note.push({ seen, reaction });
    if (next && reaction.do === 'move') next = transition(next, [reaction.move], now, ports.by);
    if (next && subjob && reaction.do === 'touch') next = touch(next, subjob.index, reaction.fields);
  }
  return next && next !== doc ? { write: next, note } : { skip: 'nothing to change', note };
}

/** A failure is judged by the module's own rules: while its file has a mistake, later. */
function judged(settings: Settings, job: JobDoc | undefined, reaction: Reaction): Reaction {
  const failure = reaction.do === 'move' && reaction.move.with?.lastFailure;
  return failure && job && badOf(settings, job.version) ? { do: 'nothing', unjudged: true } : reaction;
}

function contextOf(settings: Settings, job: JobDoc | undefined, now: Iso): Context {
  const { grace } = settings.limits;
  if (!job) return { now, grace, policy: settings.policy, tries: 3 };
  const { tries = 3, memory, time } = settings.modules[job.version]?.modules[job.module] ?? {};
  const declared = given({ memory, time });
  return { now, grace, policy: rulesFor(settings, job.version, job.module), tries, declared };
}

function* itemsOf(outcomes: readonly Applied[]): Generator<Item> {
  for (const outcome of outcomes) {
    if (outcome.result === 'lost' || outcome.result === 'frozen') {
      yield { kind: 'job', ref: outcome.id, did: 'unchanged', failed: true, text: outcome.why ?? outcome.result };
    }
    if (!tookEffect(outcome) || !outcome.doc) continue;
    for (const { seen, reaction } of outcome.note ?? []) {
      const item = itemOf(outcome.doc, seen, reaction);
      if (item) yield item;
    }
  }
}

function* unjudged(docs: ReadonlyMap<string, JobDoc>, outcomes: readonly Applied[]): Generator<Item> {
  for (const { id, note = [] } of outcomes) {
    const job = docs.get(id);
    for (const { seen, reaction } of note) {
      if (!job || reaction.do !== 'nothing' || !reaction.unjudged) continue;
      const ref = refOf(job.run, job.module, job.pass, seen.subjob);
      const text = `failed; what follows is decided when the module file of ${job.version} is correct`;
      yield { kind: 'job', ref, did: 'unchanged', failed: true, text, next: `dflow module check ${job.version}` };
    }
  }
}

function itemOf(job: JobDoc, seen: Observation, reaction: Reaction): Item | undefined {
  if (reaction.do !== 'move') return undefined;
  const ref = refOf(job.run, job.module, job.pass, seen.subjob);
  const failure =
    reaction.move.to.name === 'failed' || reaction.move.to.name === 'held' ? reaction.move.to.failure : undefined;
  return {
    kind: 'job',
    ref,
    did: reaction.did,
    run: job.run,
    module: job.module,
    pass: job.pass,
    state: reaction.move.to.name,
    site: seen.site,
    ...(failure ? { cause: failure.cause } : {}),
    text: `at ${seen.site}`,
    ...(reaction.text === undefined ? {} : { text: reaction.text.split('\n')[0] ?? '', next: `dflow why ${ref}` }),
    ...(reaction.failed ? { failed: true } : {}),
  };
}

/** Releases, cancels and acknowledges what the confirmed changes allow. */
async function atBackend(backend: Backend, outcomes: readonly Applied[], unread: ReadonlySet<string>): Promise<void> {
  const confirmed = outcomes.filter((outcome) => tookEffect(outcome) || outcome.result === 'skipped');
  const all = confirmed.flatMap(({ note }) => note ?? []);
  const release = all.filter(({ reaction }) => reaction.do === 'release').map(({ seen }) => seen.key);
  const stop = all
    .filter(({ reaction }) => reaction.do === 'stop' || (reaction.do === 'touch' && reaction.stop))
    .map(({ seen }) => seen.key);
  const records = all.flatMap(({ seen, reaction }) =>
    seen.record && reaction.do !== 'nothing' && !unread.has(seen.key) ? [seen.record] : [],
  );
  if (release.length > 0) await backend.release(release);
  if (stop.length > 0) await backend.cancel(stop);
  if (records.length > 0) await backend.acknowledge(records);
}

/** Passes that these changes completed: their dependents may be ready now. */
function newlyCompleted(outcomes: readonly Applied[]): string[] {
  return outcomes
    .filter((outcome) => outcome.doc?.state === 'completed')
    .filter(({ note }) => note?.some(({ reaction }) => reaction.do === 'move'))
    .map((outcome) => outcome.id);
}

/** Subjobs that are completed by a record that was seen now: by this change, or by one whose reply was lost. */
function completedBy(outcomes: readonly Applied[]): CompletedSubjob[] {
  return outcomes.flatMap(({ doc, note = [] }) =>
    note.flatMap(({ seen }) => {
      const { key, subjob, record } = seen;
      if (!doc || !record || subjob === undefined) return [];
      const state = doc.subjobs[subjob]?.state;
      const own = state?.name === 'completed' && keyOf(state.lock) === key;
      return own ? [{ key, job: doc, subjob, outputs: state.outputs }] : [];
    }),
  );
}

/** What kinds of jobs these changes recorded a failure of, and where. */
function failedKinds(outcomes: readonly Applied[]): Kind[] {
  return outcomes.filter(tookEffect).flatMap(({ doc, note = [] }) =>
    note.flatMap(({ seen, reaction }) => {
      const failed = doc && reaction.do === 'move' && reaction.move.with?.lastFailure;
      return failed ? [kindOf(doc, seen.site)] : [];
    }),
  );
}
