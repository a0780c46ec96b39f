// `why` of requests, holds, and files in the catalogue or in quarantine.
import type { Doc } from '../../../domain/doc.ts';
import { isA } from '../../../domain/doc.ts';
import { coverText, endText, type HoldDoc, inForce } from '../../../domain/hold.ts';
import { refOf, requestId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { Gate } from '../../../domain/jobs/readiness.ts';
import { continued, passesOf, type RequestDoc } from '../../../domain/jobs/request.ts';
import type { PassState } from '../../../domain/jobs/states.ts';
import { remedy } from '../../../domain/runs/remedy.ts';
import type { QuarantineDoc } from '../../../domain/runs/run.ts';
import { causesOf } from '../../../domain/selection.ts';
import { idsWith } from '../../../store.ts';
import { views } from '../../../views/index.ts';
import type { ReadPorts } from '../../ports.ts';
import { type ReplicaRow, replicasNamed } from '../look/replicarows.ts';
import { many, sum } from '../status/counts.ts';
import { gateVerdict } from './verdict.ts';
import { nextOf, type WhyReport } from './whyreport.ts';

/** Why of a document that is a request, a hold or a quarantine entry; none for any other. */
export async function whyThing(ports: ReadPorts, doc: Doc): Promise<WhyReport | undefined> {
  if (isA<RequestDoc>(doc, 'request')) return whyRequest(ports, doc);
  if (isA<HoldDoc>(doc, 'hold')) return whyHold(ports, doc);
  if (isA<QuarantineDoc>(doc, 'quarantine')) return whyQuarantine(doc);
  return undefined;
}

/** Every request, by its id. */
export async function requestIds({ store }: ReadPorts): Promise<string[]> {
  return (await store.range(idsWith(requestId('')))).map(({ _id }) => _id);
}

/** Passes read of each state that does not go on: causes beyond are as good as told. */
const ENOUGH = 500;

async function whyRequest(ports: ReadPorts, doc: RequestDoc): Promise<WhyReport> {
  const { store } = ports;
  const groups = await store.count(views.jobsByRequest, 2, { prefix: [doc.name] });
  const counts = new Map(groups.map(({ key, value }) => [key[1], value]));
  const done = counts.get('completed') ?? 0;
  const total = passesOf(doc);
  const gates = [...(await afterGates(ports, doc)), ...madeGates(doc), ...(await stateGates(ports, doc, counts))];
  const unmet = gates.find(({ ok }) => !ok);
  const verdict = `${done} of ${many(total, 'pass', 'passes')} done${unmet ? `; ${unmet.text}` : ''}`;
  const state = doc.made === undefined ? 'being made' : done === total ? 'done' : 'open';
  const about = [doc.version, doc.modules.join(','), `by ${doc.by}`].join('  ');
  return { ref: doc._id, about, state, verdict, since: doc.created, gates, next: nextOf(gates) };
}

async function afterGates({ store }: ReadPorts, { after }: RequestDoc): Promise<Gate[]> {
  if (after === undefined) return [];
  const other = (await store.get<RequestDoc>([requestId(after)])).get(requestId(after));
  const groups = await store.count(views.jobsByRequest, 2, { prefix: [after, 'completed'] });
  const open = (other ? passesOf(other) : 0) - sum(groups);
  const text =
    open > 0 ? `waits for request ${after}: ${many(open, 'pass is', 'passes are')} not done` : `${after} is done`;
  return [{ gate: 'after', ok: open <= 0, text, next: `dflow why ${requestId(after)}` }];
}

function madeGates(doc: RequestDoc): Gate[] {
  if (doc.made !== undefined) return [];
  const text = 'its passes are not all made: reprocess was interrupted';
  return [{ gate: 'made', ok: false, text, next: continued(doc) }];
}

async function stateGates(
  { store }: ReadPorts,
  { name }: RequestDoc,
  counts: ReadonlyMap<PassState, number>,
): Promise<Gate[]> {
  const gates: Gate[] = [];
  for (const [state, count] of counts) {
    const stuck = state === 'failed' || state === 'partFail' || state === 'held';
    const text = many(count, `pass ${state}`, `passes ${state}`);
    if (!stuck) {
      const waits = state === 'waiting' ? { next: `dflow list jobs --request ${name} --state waiting` } : {};
      gates.push({ gate: state, ok: true, text, ...waits });
      continue;
    }
    const rows = await store.view(views.jobsByRequest, { prefix: [name, state], limit: ENOUGH });
    const jobs = [...(await store.get<JobDoc>(rows.map(({ id }) => id))).values()];
    const next = `dflow retry --request ${name} --state ${state}`;
    gates.push({ gate: state, ok: false, text: `${text} (${causeCounts(jobs)})`, next });
  }
  return gates.toSorted((a, b) => Number(a.ok) - Number(b.ok));
}

/** `time-limit 12, memory 3`, the commonest first. */
function causeCounts(jobs: readonly JobDoc[]): string {
  const counts = new Map<string, number>();
  for (const cause of jobs.flatMap(causesOf)) counts.set(cause, (counts.get(cause) ?? 0) + 1);
  const sorted = [...counts].toSorted((a, b) => b[1] - a[1]);
  return sorted.map(([cause, count]) => `${cause} ${count}`).join(', ') || 'no cause recorded';
}

async function whyHold({ store }: ReadPorts, hold: HoldDoc): Promise<WhyReport> {
  const { _id, what, scope, why, by, since, ended } = hold;
  const now = await store.now();
  const asleep = sum(await store.count(views.wake, 2, { prefix: ['on', _id] }));
  const covers = `${what} of ${coverText(scope)}`;
  const waiting = asleep === 0 ? 'no job waits for it now' : `${many(asleep, 'subjob waits', 'subjobs wait')} for it`;
  const base = { ref: _id, about: covers, since };
  if (ended) {
    const verdict = `ended at ${ended.at} by ${ended.by}${ended.why === undefined ? '' : `: ${ended.why}`}`;
    return { ...base, state: 'ended', verdict, gates: [{ gate: 'hold', ok: true, text: waiting }], next: [] };
  }
  const force = inForce(hold, now);
  const verdict = `${force ? 'holds' : 'its time is over, but reset has not ended it: holds'} ${coverText(scope)}: ${why}`;
  const gates: Gate[] = [
    {
      gate: 'hold',
      ok: false,
      text: `put by ${by}${endText(hold)}`,
      since,
      next: force ? `dflow resume ${_id}` : 'dflow reset',
    },
    { gate: 'waiting', ok: true, text: waiting },
  ];
  return { ...base, state: 'held', verdict, gates, next: nextOf(gates) };
}

function whyQuarantine(doc: QuarantineDoc): WhyReport {
  const { _id, level, name, reason, detail, at, run } = doc;
  const about = run === undefined ? level : `${level}  run ${run}`;
  const gates: Gate[] = [{ gate: reason, ok: false, text: detail, since: at, next: remedy(doc) }];
  return {
    ref: _id,
    about,
    state: 'held',
    verdict: `${name} is in quarantine: ${reason}, ${detail}`,
    gates,
    next: nextOf(gates),
  };
}

/** Why of a file by its name, LFN or GUID: in quarantine, or its copies. */
export async function whyFile(ports: ReadPorts, word: string): Promise<WhyReport[]> {
  const docs = await ports.store.range<QuarantineDoc>(idsWith('quarantine:'));
  const held = docs.filter(({ name }) => name === word).map(whyQuarantine);
  const rows: ReplicaRow[] = [];
  for await (const row of replicasNamed(ports, [word])) if (!('did' in row)) rows.push(row);
  return rows.length === 0 ? held : [...held, copiesReport(word, rows)];
}

function copiesReport(word: string, rows: readonly ReplicaRow[]): WhyReport {
  const gates = rows.map(({ storage, state, since, why, run, checkedAt }): Gate => {
    const checked = checkedAt === undefined ? '' : `, last checked ${checkedAt}`;
    const text = `${storage}: ${state}${why === undefined ? checked : `: ${why}`}`;
    const next = state === 'bad' ? `dflow verify --repair --run ${run}` : `dflow transfer --run ${run}`;
    return { gate: 'copy', ok: state === 'verified' || state === 'copying', text, since, next };
  });
  const [first] = rows;
  const good = rows.filter(({ state }) => state === 'verified').length;
  const well = `${many(good, 'verified copy', 'verified copies')}`;
  const about = first ? `${first.level ?? 'output'}  ${refOf(first.run)}  ${first.lfn}` : '';
  const state = gates.every(({ ok }) => ok) ? 'ok' : 'held';
  return { ref: word, about, state, verdict: gateVerdict(gates, well, `${well}; `), gates, next: nextOf(gates) };
}
