// flow --run N: the same picture for one run: where each of its files and passes is. Reads the documents of this run.
import type { DataDoc } from '../../../domain/data/data.ts';
import type { FirstPassState } from '../../../domain/firstpass/firstpass.ts';
import { dataId, jobPrefix, refOf, runId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { isActive, lockOf } from '../../../domain/jobs/states.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import { idsWith } from '../../../store.ts';
import { UsageError } from '../../../util/errors.ts';
import { views } from '../../../views/index.ts';
import { runFacts, runTypes } from '../../jobs/facts.ts';
import type { ReadPorts } from '../../ports.ts';
import { why } from '../why/why.ts';
import { thirdOf } from './flow.ts';
import { type BoxParts, boxesOf, type FlowFact, type FlowPicture } from './picture.ts';
import { placedGates } from './stands.ts';

interface RunDocs {
  readonly doc: RunDoc | undefined;
  readonly data: readonly DataDoc[];
  readonly jobs: readonly JobDoc[];
  /** Required table -> its revision, where there is one. */
  readonly tables: Readonly<Record<string, string | undefined>>;
  readonly types: readonly string[];
  readonly firstPass: readonly FirstPassState[];
}

/** @throws UsageError nothing of this run is known */
export async function runFlow(ports: ReadPorts, run: number): Promise<FlowPicture> {
  const docs = await readRun(ports, run);
  if (!docs.doc && docs.data.length === 0 && docs.jobs.length === 0)
    throw new UsageError(`run ${refOf(run)} is not in the catalogue`, { hint: await lastRuns(ports) });
  const last = [...new Map(docs.jobs.map((job) => [job.module, job])).values()];
  const isThird = thirdOf(ports.settings);
  const third = new Set(last.filter(({ version, module }) => isThird(version, module)).map(({ module }) => module));
  const [at, reports] = await Promise.all([ports.store.now(), why(ports, { run, text: String(run) })]);
  return {
    experiment: ports.settings.experiment,
    at,
    run,
    boxes: boxesOf(runParts(ports, docs, third), placedGates(reports, third)),
  };
}

/** The command that shows which runs there are. */
async function lastRuns({ store }: ReadPorts): Promise<string> {
  const rows = await store.view(views.runs, { descending: true, limit: 1 });
  return rows.length === 0 ? 'dflow register' : 'dflow list runs';
}

async function readRun(ports: ReadPorts, run: number): Promise<RunDocs> {
  const { store, settings } = ports;
  const ids = settings.buffers.map(({ level }) => dataId(level, run));
  const [runs, data, jobs, facts] = await Promise.all([
    store.get<RunDoc>([runId(run)]),
    store.get<DataDoc>(ids),
    store.range<JobDoc>(idsWith(jobPrefix(run))),
    runFacts(ports, [run], settings.automatic.level, settings.automatic.version),
  ]);
  const doc = runs.get(runId(run));
  return {
    doc,
    data: ids.flatMap((id) => data.get(id) ?? []),
    jobs,
    tables: facts.get(run)?.tables ?? {},
    types: runTypes(ports, doc?.mask),
    firstPass: facts.get(run)?.firstPass ?? [],
  };
}

function runParts(ports: ReadPorts, docs: RunDocs, third: ReadonlySet<string>): BoxParts {
  const names = ports.settings.storages.map(({ name }) => name);
  return {
    detector: { ...(docs.types.length > 0 ? { about: docs.types.join('+') } : {}), facts: levelFacts(docs) },
    buffer: { facts: docs.data.flatMap(bufferFacts) },
    tables: { facts: tableFacts(docs) },
    elements: { facts: names.flatMap((name) => elementFact(docs, name)) },
    enqueue: { facts: enqueueFacts(docs) },
    queue: { facts: queueFacts(docs) },
    farms: { facts: farmFacts(docs) },
    second: { facts: docs.jobs.filter(({ module }) => !third.has(module)).map(passFact) },
    third: { facts: docs.jobs.filter(({ module }) => third.has(module)).map(passFact) },
    storage: { facts: outputFacts(docs) },
  };
}

function levelFacts({ doc }: RunDocs): FlowFact[] {
  return Object.entries(doc?.levels ?? {}).map(([level, { files, complete }]) => {
    const look = complete ? ({ look: 'good' } as const) : {};
    return {
      name: level,
      count: files,
      note: `${files === 1 ? 'file' : 'files'}, ${complete ? 'complete' : 'open'}`,
      ...look,
    };
  });
}

function bufferFacts({ level, files }: DataDoc): FlowFact[] {
  const here = files.filter(({ original }) => original.state !== 'purged');
  const gone = files.length - here.length;
  const changed = here.some(({ original }) => original.state === 'changed');
  const bytes = here.reduce((sum, { size }) => sum + size, 0);
  return [
    ...(here.length > 0 ? [{ name: `${level} raw`, bytes, ...(changed ? ({ look: 'bad' } as const) : {}) }] : []),
    ...(gone > 0 ? [{ name: `${level} purged`, count: gone, note: gone === 1 ? 'file' : 'files' }] : []),
  ];
}

function tableFacts({ tables, firstPass }: RunDocs): FlowFact[] {
  const facts = Object.entries(tables).map(([name, revision]): FlowFact => {
    return { name, note: revision === undefined ? 'missing' : 'there', look: revision === undefined ? 'bad' : 'good' };
  });
  const jobs = firstPass.map(({ job, state }): FlowFact => {
    const look = state === 'completed' ? 'good' : state === 'failed' || state === 'held' ? 'bad' : 'busy';
    return { name: job.name, note: state, look };
  });
  return facts.length + jobs.length === 0 ? [{ name: 'none required' }] : [...facts, ...jobs];
}

/** Of an element that has, or is to get, a copy. */
function elementFact({ data }: RunDocs, name: string): FlowFact[] {
  const files = data.flatMap((one) => one.files);
  const states = files.map(({ replicas }) => replicas[name]?.state);
  const [good, copying] = (['verified', 'copying'] as const).map(
    (state) => states.filter((one) => one === state).length,
  );
  const bad = states.filter((state) => state === 'bad' || state === 'failed').length;
  if (states.every((state) => state === undefined)) return [];
  const look = bad > 0 ? 'bad' : copying ? 'busy' : good === files.length ? 'good' : undefined;
  const note = [`of ${files.length}`, ...(bad > 0 ? [`${bad} bad`] : [])].join(', ');
  return [{ name, count: good ?? 0, note, ...(look ? { look } : {}) }];
}

function enqueueFacts({ doc, jobs }: RunDocs): FlowFact[] {
  const made = Object.keys(doc?.automatic ?? {});
  const requested = jobs.filter(({ request }) => request !== undefined).length;
  return [
    ...made.map((version): FlowFact => ({ name: version, note: 'enqueued', look: 'good' })),
    ...(made.length === 0 ? [{ name: 'not enqueued' }] : []),
    ...(requested > 0 ? [{ name: 'requested', count: requested, note: requested === 1 ? 'pass' : 'passes' }] : []),
  ];
}

const subjobsOf = ({ jobs }: RunDocs) => jobs.flatMap((job) => job.subjobs);

function queueFacts(docs: RunDocs): FlowFact[] {
  const states = subjobsOf(docs).map(({ state }) => state);
  const waiting = states.flatMap((state) => (state.name === 'waiting' ? state.wake.kind : []));
  const ready = waiting.filter((kind) => kind === 'ready').length;
  const held = states.filter(({ name }) => name === 'held').length;
  return [
    { name: 'ready', count: ready, ...(ready > 0 ? { look: 'busy' } : {}) },
    { name: 'not ready yet', count: waiting.length - ready },
    ...(held > 0 ? [{ name: 'held', count: held }] : []),
  ];
}

function farmFacts(docs: RunDocs): FlowFact[] {
  const counts = new Map<string, number>();
  for (const { state } of subjobsOf(docs)) {
    const site = isActive(state) ? lockOf(state)?.site : undefined;
    if (site !== undefined) counts.set(site, (counts.get(site) ?? 0) + 1);
  }
  if (counts.size === 0) return [{ name: 'nothing there' }];
  return [...counts].map(([name, count]) => ({ name, count, note: count === 1 ? 'job' : 'jobs', look: 'busy' }));
}

/** `Analysis40 2`, and how many of its subjobs are there. */
function passFact({ module, pass, state, subjobs }: JobDoc): FlowFact {
  const done = subjobs.filter((one) => one.state.name === 'completed').length;
  const part = subjobs.length > 1 && state !== 'completed' ? ` ${done} of ${subjobs.length}` : '';
  const bad = state === 'failed' || state === 'partFail';
  const look = bad ? 'bad' : state === 'completed' ? 'good' : /^(submi|run)/.test(state) ? 'busy' : undefined;
  return { name: `${module}/${pass}`, note: `${state}${part}`, ...(look ? { look } : {}) };
}

function outputFacts(docs: RunDocs): FlowFact[] {
  const counts = new Map<string, number>();
  for (const { state } of subjobsOf(docs)) {
    const outputs = state.name === 'completed' ? state.outputs : [];
    for (const { storage } of outputs) counts.set(storage, (counts.get(storage) ?? 0) + 1);
  }
  if (counts.size === 0) return [{ name: 'outputs', count: 0 }];
  return [...counts].map(([name, count]) => {
    return { name, count, note: count === 1 ? 'output' : 'outputs', look: 'good' };
  });
}
