// What waiting passes of `why --all` wait for. Each is followed to its root: the prerequisite, hold or data document that
// has to change before anything behind it can go on. Views tell all of it, so that 100,000 passes cost no documents.
import { asA } from '../../../../domain/doc.ts';
import { endText, type HoldDoc } from '../../../../domain/hold.ts';
import { parseJobId, refOf } from '../../../../domain/ids.ts';
import { ENDED, type PassState } from '../../../../domain/jobs/states.ts';
import { between, humanDuration, type Iso } from '../../../../util/time.ts';
import { views } from '../../../../views/index.ts';
import type { ReadPorts } from '../../../ports.ts';
import type { Reason } from './reason.ts';

/** What the sleepers of a store are told apart by. */
interface Facts {
  /** Pass -> the documents that its subjobs wait for. */
  readonly awaited: ReadonlyMap<string, string>;
  readonly states: ReadonlyMap<string, PassState>;
  readonly holds: ReadonlyMap<string, HoldDoc>;
  readonly now: Iso;
  /** Of the configuration in force. */
  readonly hash: string;
}

/** Waiting subjobs by module and root; those whose root has ended without completing are unsatisfied. */
export async function sleeperReasons({ store, settings }: ReadPorts): Promise<Reason[]> {
  const rows = await store.view(views.wake, { prefix: ['on'] });
  if (rows.length === 0) return [];
  const awaited = new Map(rows.map(({ id, key }) => [id, key[1]]));
  const ofJobs = [...awaited.values()].some((id) => id.startsWith('job:'));
  const states = ofJobs ? await store.view(views.jobsByState) : [];
  const holds = [...new Set(awaited.values())].filter((id) => id.startsWith('hold:'));
  const facts: Facts = {
    awaited,
    states: new Map(states.map(({ id, key }) => [id, key[0]])),
    holds: await store.get<HoldDoc>(holds),
    now: await store.now(),
    hash: settings.hash,
  };
  const groups = new Map<string, Reason>();
  for (const { id, key, value } of rows) {
    const job = parseJobId(id);
    const { module = '' } = job ?? {};
    const example = job ? refOf(job.run, job.module, job.pass) : id;
    const reason = rootReason(rootOf(key[1], facts), example, facts);
    const name = `${module} ${reason.text}`;
    const old = groups.get(name);
    const base = old ?? { ...reason, text: `${module} waits ${reason.text}`, unit: 'subjobs', module, example };
    groups.set(name, { ...base, count: (old?.count ?? 0) + value });
  }
  return [...groups.values()];
}

/** The document that everything on the way waits for. A circle ends where it began. */
function rootOf(id: string, { awaited, states }: Facts): string {
  const seen = new Set<string>();
  let root = id;
  for (let next = awaited.get(root); next !== undefined && !seen.has(root); next = awaited.get(root)) {
    if (ENDED.has(states.get(root) ?? 'waiting')) break;
    seen.add(root);
    root = next;
  }
  return root;
}

type Root = Pick<Reason, 'what' | 'text' | 'next'>;

/** What to say of a root that is a document of this kind, and what to type. */
const KINDS: Readonly<Record<string, readonly [text: string, next: string]>> = {
  data: ['for inputs at a storage element that the farm reads', 'dflow transfer'],
  registered: ['for the catalogue to know its input files', 'dflow catalogue sync'],
  request: ['for another request', 'dflow list requests'],
  routed: ['for the farm that routing sends it to', 'dflow list farms'],
  installed: ['for a farm that has its version', 'dflow list farms'],
};

function rootReason(id: string, example: string, facts: Facts): Root {
  const hold = asA<HoldDoc>(facts.holds.get(id), 'hold');
  if (hold) {
    const age = humanDuration(between(hold.since, facts.now));
    const text = `for a hold, ${hold.what}: ${hold.why}, for ${age}${endText(hold)}`;
    return { what: 'waiting', text, next: `dflow resume ${id}` };
  }
  const job = parseJobId(id);
  if (job) return jobRoot(refOf(job.run, job.module, job.pass), job.module, facts.states.get(id));
  if (id.startsWith('config:')) return configRoot(id, example, facts);
  const [text, next] = KINDS[id.slice(0, id.indexOf(':'))] ?? [`for ${id}`, `dflow show ${id}`];
  return { what: 'waiting', text, next };
}

/** A module that was missing: after a change of the configuration, submit looks again. */
function configRoot(id: string, example: string, { hash }: Facts): Root {
  const what = 'waiting';
  if (id === `config:${hash}`)
    return { what, text: 'for a module that is not defined here', next: `dflow why ${example}` };
  return { what, text: 'for the next submit: the configuration has changed', next: 'dflow submit' };
}

function jobRoot(ref: string, module: string, state: PassState | undefined): Root {
  if (state === undefined)
    return { what: 'unsatisfied', text: `for a pass of ${module} that does not exist`, next: `dflow why ${ref}` };
  const text = `for ${module}, which is ${state}`;
  if (state === 'completed')
    return { what: 'waiting', text: `for ${module}, which has completed`, next: 'dflow submit' };
  if (ENDED.has(state)) return { what: 'unsatisfied', text, next: `dflow retry --module ${module} --state ${state}` };
  return { what: 'waiting', text, next: `dflow list jobs --module ${module} --state ${state}` };
}
