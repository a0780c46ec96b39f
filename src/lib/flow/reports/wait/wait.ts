// wait: until the runs, passes and requests of the REFs have reached their goal. A look is one request while nothing
// changes: the change feed says when documents are to be read again. Only those of open REFs are.

import type { DataDoc } from '../../../domain/data/data.ts';
import { dataId, refOf, requestId, runId } from '../../../domain/ids.ts';
import { passesOf, type RequestDoc } from '../../../domain/jobs/request.ts';
import { named, noSuchError } from '../../../domain/named.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import type { JobRef } from '../../../domain/selection.ts';
import { idsWith } from '../../../store.ts';
import { UsageError } from '../../../util/errors.ts';
import { type Iso, SECOND } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import { selectJobs } from '../../jobs/select.ts';
import type { Item, ReadPorts } from '../../ports.ts';
import { type Watching, whenBack } from '../outage.ts';
import {
  awaitsPasses,
  type Goal,
  noPasses,
  ofRawFiles,
  passVerdict,
  rawVerdict,
  together,
  type Verdict,
} from './goals.ts';

export interface WaitOptions {
  readonly goal: Goal;
  /** Ends then, by the store's clock. */
  readonly until?: Iso;
  /** Milliseconds between two looks. */
  readonly every?: number;
  /** How far it is, in words. */
  readonly progress: (text: string) => void;
}

const EVERY = 5 * SECOND;

/** An item for each REF as it gets there, or will not. */
export async function* waitFor(
  ports: ReadPorts,
  refs: readonly JobRef[],
  options: WaitOptions,
  watching: Watching,
): AsyncGenerator<Item, void, void> {
  for (const ref of refs) await requireKnown(ports, ref, options.goal);
  const open = new Map(refs.map((ref) => [ref.text, ref]));
  const ask = <T>(work: () => Promise<T>): Promise<T | undefined> => whenBack(work, watching);
  let cursor = (await ports.store.changes('now')).last;
  const words = new Map<string, string>();
  for (let looks = true; open.size > 0 && !watching.over(); ) {
    for (const ref of looks ? [...open.values()] : []) {
      const verdict = await ask(() => verdictOn(ports, ref, options.goal));
      if (!verdict) return;
      if ('open' in verdict) words.set(ref.text, verdict.open);
      else {
        open.delete(ref.text);
        yield itemOf(ref, verdict);
      }
    }
    options.progress(progressText(refs.length, open, words));
    if (open.size === 0) return;
    const now = await ask(() => ports.store.now());
    if (now !== undefined && options.until !== undefined && now >= options.until) break;
    await watching.sleep(options.every ?? EVERY);
    const page = await ask(() => changedSince(ports, cursor));
    if (!page) return;
    cursor = page.cursor;
    looks = page.relevant;
  }
  if (!watching.over()) for (const ref of open.values()) yield overdue(ref, words.get(ref.text));
}

/** Whether runs, data, passes, requests or holds have changed; the feed is read to its end. */
async function changedSince({ store }: ReadPorts, since: string): Promise<{ cursor: string; relevant: boolean }> {
  let relevant = false;
  for (let cursor = since; ; ) {
    const { changes, last } = await store.changes(cursor, PAGE);
    relevant ||= changes.some(({ id }) => /^(run|data|job|request|hold):/.test(id));
    if (changes.length < PAGE) return { cursor: last, relevant };
    cursor = last;
  }
}

const PAGE = 1_000;

/** @throws UsageError, ItemError for what can never be waited for: a misspelt name, a goal that it does not have */
async function requireKnown(ports: ReadPorts, ref: JobRef, goal: Goal): Promise<void> {
  const { store, settings } = ports;
  const request = requestOf(ref);
  if (ofRawFiles(goal) && (request !== undefined || ref.module !== undefined))
    throw new UsageError(`--for ${goal} is about raw files, and '${ref.text}' is not a run`, {
      hint: 'dflow wait 109134 --for verified',
    });
  if (request !== undefined) {
    if ((await store.get([requestId(request)])).size > 0) return;
    const all = await store.range<RequestDoc>(idsWith('request:'));
    throw noSuchError(
      'request',
      request,
      all.map(({ name }) => name),
    );
  }
  if (ref.run === undefined)
    throw new UsageError(`'${ref.text}' is not a run, a pass or a request`, {
      hint: 'dflow wait 109134 --for completed',
    });
  if (ref.run < settings.runs.first || ref.run > settings.runs.last)
    throw new UsageError(`run ${ref.run} is out of range (${settings.runs.first} to ${settings.runs.last})`, {
      where: settings.file,
      hint: 'dflow list runs',
    });
  if (ref.module === undefined) return;
  if (ref.pass !== undefined) {
    const { problems } = await selectJobs(ports, { refs: [ref], pass: 'all' });
    const [missing] = problems;
    if (missing)
      throw new UsageError(`${ref.text}: ${missing.text}`, { hint: `dflow list jobs --run ${ref.run} --state all` });
    return;
  }
  const modules = Object.values(settings.modules).flatMap((file) => Object.keys(file.modules));
  if (settings.badModules.length === 0) named('module', ref.module, new Set(modules));
}

function requestOf({ id }: JobRef): string | undefined {
  return id?.startsWith('request:') ? id.slice('request:'.length) : undefined;
}

function verdictOn(ports: ReadPorts, ref: JobRef, goal: Goal): Promise<Verdict> {
  const request = requestOf(ref);
  if (request !== undefined) return requestVerdict(ports, request, goal);
  return ref.module === undefined ? runVerdict(ports, ref.run ?? 0, goal) : passesVerdict(ports, ref, goal);
}

async function runVerdict(ports: ReadPorts, run: number, goal: Goal): Promise<Verdict> {
  const { store, settings } = ports;
  const levels = settings.buffers.map(({ level }) => dataId(level, run));
  const docs = await store.get([runId(run), ...levels]);
  const doc = docs.get(runId(run)) as RunDoc | undefined;
  const data = levels.flatMap((id) => (docs.get(id) as DataDoc | undefined) ?? []);
  if (ofRawFiles(goal)) return rawVerdict({ run, doc, data }, goal, settings);
  const ref: JobRef = { text: refOf(run), run };
  const verdicts = await verdictsOn(ports, ref, goal);
  const never = verdicts.find((verdict) => 'never' in verdict);
  if (never || verdicts.length === 0) return never ?? noPasses({ run, doc }, settings);
  return awaitsPasses({ run, doc }, settings)
    ? { open: 'passes not made yet' }
    : together(verdicts, { met: 'completed' });
}

async function passesVerdict(ports: ReadPorts, ref: JobRef, goal: Goal): Promise<Verdict> {
  const verdicts = await verdictsOn(ports, ref, goal);
  const run = ref.run ?? 0;
  if (verdicts.length > 0) return together(verdicts, { met: 'completed' });
  const doc = (await ports.store.get<RunDoc>([runId(run)])).get(runId(run));
  return noPasses({ run, doc }, ports.settings, ref.module);
}

async function verdictsOn(ports: ReadPorts, ref: JobRef, goal: Goal): Promise<Verdict[]> {
  const { jobs, states } = await selectJobs(ports, { refs: [ref], pass: 'last' });
  return jobs.map((job) => passVerdict(job, states.get(job._id) ?? job.state, goal));
}

/** By counts; documents are read only where some passes are open and none is at a farm. */
async function requestVerdict(ports: ReadPorts, name: string, goal: Goal): Promise<Verdict> {
  const { store } = ports;
  const id = requestId(name);
  const doc = (await store.get<RequestDoc>([id])).get(id);
  if (!doc) return { never: `request ${name} was removed`, next: 'dflow list requests' };
  const total = passesOf(doc);
  const groups = await store.count(views.jobsByRequest, 2, { prefix: [name] });
  const counts = new Map(groups.map(({ key, value }) => [key[1], value]));
  const of = (...states: readonly string[]): number =>
    groups.reduce((sum, { key, value }) => sum + (states.includes(key[1]) ? value : 0), 0);
  const failed = of('failed', 'partFail', 'canceled', 'deleted');
  if (goal === 'completed' && failed > 0)
    return {
      never: `${failed} of ${total} passes of ${name} ended without completing, and nothing tries them again`,
      next: `dflow list jobs --request ${name} --state failed,partFail,canceled,deleted`,
    };
  if (doc.made !== undefined && of('completed') + failed >= total)
    return { met: `${of('completed')} of ${total} completed` };
  const text = [...counts].map(([state, count]) => `${count} ${state}`).join(', ');
  if (doc.made === undefined || of('submitting', 'submitted', 'running') > 0) return { open: text || 'being made' };
  const { jobs, states } = await selectJobs(ports, {
    requests: [name],
    states: ['waiting', 'held', 'unsatisfied'],
    pass: 'all',
  });
  const verdicts = jobs.map((job) => passVerdict(job, states.get(job._id) ?? job.state, goal));
  const never = verdicts.find((verdict) => 'never' in verdict);
  return never && (goal === 'completed' || verdicts.every((verdict) => 'never' in verdict)) ? never : { open: text };
}

function itemOf({ text: ref }: JobRef, verdict: Exclude<Verdict, { open: string }>): Item {
  if ('met' in verdict) return { kind: 'wait', ref, did: 'reached', text: verdict.met };
  return { kind: 'wait', ref, did: 'never', failed: true, text: verdict.never, next: verdict.next };
}

function overdue({ text: ref }: JobRef, state = 'open'): Item {
  return { kind: 'wait', ref, did: 'timed-out', failed: true, text: state, next: `dflow why ${ref}` };
}

/** `3 of 30 there; 12 running, 15 waiting` */
function progressText(all: number, open: ReadonlyMap<string, JobRef>, words: ReadonlyMap<string, string>): string {
  const counts = new Map<string, number>();
  for (const ref of open.keys()) {
    const word = words.get(ref) ?? 'open';
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const some = [...counts].sort(([, a], [, b]) => b - a).slice(0, 4);
  const texts = some.map(([word, count]) => (all === 1 ? word : `${count} ${word}`));
  return `${all - open.size} of ${all} there${texts.length > 0 ? `; ${texts.join(', ')}` : ''}`;
}
