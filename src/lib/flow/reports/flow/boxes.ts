// The boxes of the whole chain, from the numbers of the status page and a few counts more. Pure.
import { daysText } from '../../../domain/storage/inflow.ts';
import type { StatusPage } from '../status/page.ts';
import type { BoxParts, FlowFact, FlowRate } from './picture.ts';

/** Counts beside the status page. */
export interface FlowCounts {
  /** Documents of each required run table, by its name. */
  readonly tables: Readonly<Record<string, number>>;
  readonly firstPassFailed: number;
  readonly ready: number;
  /** Subjobs that wait for a document, and for the time of another try. */
  readonly waiting: number;
  readonly cooling: number;
  /** Of the last day. */
  readonly completed: number;
  readonly copied: number;
  /** Outputs at each storage element, and bad ones. */
  readonly outputs: Readonly<Record<string, number>>;
  readonly badOutputs: number;
}

/** Names of modules that need another one: those of the third pass. */
export type Third = (version: string, module: string) => boolean;

/** Days that nobody counts. */
const FAR = 365;

/** Lines of a box. */
const MOST = 5;

export function chainParts(page: StatusPage, counts: FlowCounts, third: Third): BoxParts {
  return {
    detector: detector(page),
    buffer: buffer(page),
    tables: { facts: limited(tables(counts)) },
    elements: { facts: limited(page.storage.map(element)), rates: rateOf(counts.copied, 'copies') },
    enqueue: { facts: enqueue(page) },
    queue: { facts: queue(counts) },
    farms: { facts: limited(farms(page)), rates: rateOf(counts.completed, 'passes') },
    second: passes(page, (version, module) => !third(version, module)),
    third: passes(page, third),
    storage: { facts: limited(storage(page, counts)) },
  };
}

/** More lines than fit are counted. */
function limited(facts: readonly FlowFact[]): FlowFact[] {
  if (facts.length <= MOST) return [...facts];
  return [...facts.slice(0, MOST - 1), { name: `and ${facts.length - MOST + 1} more` }];
}

const rateOf = (count: number, of: string): FlowRate[] => (count > 0 ? [{ count, of, per: 'day' }] : []);

const some = (name: string, count: number, look?: FlowFact['look']): FlowFact[] =>
  count > 0 ? [{ name, count, ...(look ? { look } : {}) }] : [];

function detector({ runs, quarantined, buffer: levels }: StatusPage) {
  const bytes = levels.reduce((sum, { perDay }) => sum + perDay, 0);
  const wrong = Object.values(quarantined).reduce((sum, count) => sum + count, 0);
  const facts: FlowFact[] = [
    { name: 'runs open', count: runs.open },
    { name: 'runs complete', count: runs.todo + runs.done },
    ...some('late files in', runs.late, 'bad'),
    ...some('in quarantine', wrong, 'bad'),
  ];
  return { facts, rates: bytes > 0 ? [{ bytes, per: 'day' } as const] : [] };
}

function buffer({ buffer: levels, storage: elements }: StatusPage) {
  const missing = Math.max(0, ...elements.map((one) => one.missing));
  const facts = levels.flatMap(({ level, bytes, disk, daysLeft }): FlowFact[] => {
    const full = disk ? 1 - disk.free / disk.total : undefined;
    const left =
      daysLeft === undefined || daysLeft > FAR ? [] : [{ name: `${level} full in`, note: daysText(daysLeft) }];
    return [
      { name: `${level} raw`, bytes },
      ...(full === undefined ? [] : [{ name: `${level} disk`, share: full, note: 'full' }, ...left]),
    ];
  });
  return { facts: limited([...facts, ...some('to copy', missing, 'busy')]) };
}

function tables({ tables: named, firstPassFailed }: FlowCounts): FlowFact[] {
  const facts = Object.entries(named).map(([name, count]) => ({ name, count }));
  const none: FlowFact[] = facts.length === 0 ? [{ name: 'none required' }] : [];
  return [...facts, ...none, ...some('first pass failed', firstPassFailed, 'bad')];
}

/** Verified copies, and what is missing or wrong. */
function element({ name, primary, states, missing, state }: StatusPage['storage'][number]): FlowFact {
  const bad = (states.failed ?? 0) + (states.bad ?? 0);
  const off = state !== 'ok';
  const notes = [
    ...(missing > 0 ? [`${missing.toLocaleString('en-US')} to go`] : []),
    ...(bad > 0 ? [`${bad.toLocaleString('en-US')} bad`] : []),
    ...(off ? [state.split(' since ')[0] === 'breaker' ? 'set aside' : state] : []),
  ];
  const look = bad > 0 || off ? 'bad' : missing > 0 ? 'busy' : 'good';
  return {
    name: `${name}${primary ? ' *' : ''}`,
    count: states.verified ?? 0,
    look,
    ...(notes.length > 0 ? { note: `(${notes.join(', ')})` } : {}),
  };
}

function enqueue({ runs }: StatusPage): FlowFact[] {
  return [
    { name: 'runs to do', count: runs.todo, ...(runs.todo > 0 ? { look: 'busy' } : {}) },
    { name: 'runs done', count: runs.done, look: 'good' },
  ];
}

function queue({ ready, waiting, cooling }: FlowCounts): FlowFact[] {
  return [
    { name: 'ready', count: ready, ...(ready > 0 ? { look: 'busy' } : {}) },
    { name: 'not ready yet', count: waiting },
    ...some('try again later', cooling),
  ];
}

function farms({ farms: all }: StatusPage): FlowFact[] {
  return all.length === 0 ? [{ name: 'none has answered yet' }] : all.map(farm);
}

function farm({ site, backend, slots, active, drained }: StatusPage['farms'][number]): FlowFact {
  const look = drained ? 'bad' : active > 0 ? 'busy' : undefined;
  const note = `of ${slots} slots${drained ? ', drained' : ''}`;
  return { name: `${site} (${backend})`, count: active, note, ...(look ? { look } : {}) };
}

/** States of passes in the words of the picture. */
const GROUPS: readonly (readonly [name: string, states: readonly string[], look?: FlowFact['look']])[] = [
  ['waiting', ['waiting']],
  ['at farms', ['submitting', 'submitted', 'running'], 'busy'],
  ['held', ['held']],
  ['unsatisfied', ['unsatisfied'], 'bad'],
  ['failed', ['failed', 'partFail'], 'bad'],
  ['completed', ['completed'], 'good'],
];

/** Shown also where they are 0. */
const ALWAYS = new Set(['waiting', 'at farms', 'completed']);

function passFacts(states: Readonly<Record<string, number>>): FlowFact[] {
  return GROUPS.flatMap(([name, of, look]) => {
    const count = of.reduce((sum, state) => sum + (states[state] ?? 0), 0);
    if (count === 0 && !ALWAYS.has(name)) return [];
    return [{ name, count, ...(look && count > 0 ? { look } : {}) }];
  });
}

function passes({ jobs }: StatusPage, of: Third) {
  const rows = jobs.filter(({ version, module }) => of(version, module));
  const states: Record<string, number> = {};
  for (const row of rows)
    for (const [state, count] of Object.entries(row.states)) states[state] = (states[state] ?? 0) + count;
  const names = [...new Set(rows.map(({ module }) => module))];
  return { ...(names.length > 0 ? { about: names.join(', ') } : {}), facts: passFacts(states) };
}

/** Passes that failed: of this kind. */
export function hasFailed({ jobs }: Pick<StatusPage, 'jobs'>, of: Third): boolean {
  return jobs.some(
    ({ version, module, states }) => of(version, module) && (states.failed ?? 0) + (states.partFail ?? 0) > 0,
  );
}

function storage({ storage: elements }: StatusPage, { outputs, badOutputs }: FlowCounts): FlowFact[] {
  const named = elements.filter(({ name }) => (outputs[name] ?? 0) > 0);
  const facts = named.map(({ name }): FlowFact => ({ name, count: outputs[name] ?? 0, note: 'outputs', look: 'good' }));
  return [...(facts.length === 0 ? [{ name: 'outputs', count: 0 }] : facts), ...some('bad outputs', badOutputs, 'bad')];
}
