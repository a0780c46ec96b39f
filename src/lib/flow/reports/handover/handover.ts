// The handover: what happened since a time, what was switched, what is open, what changed for the worse. Counts come from
// views; documents are read of what changed, and of no more than `ENOUGH`.
import type { FarmDoc, LoopDoc } from '../../../domain/farms/farm.ts';
import { parseJobId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { PassState } from '../../../domain/jobs/states.ts';
import type { QuarantineDoc } from '../../../domain/runs/run.ts';
import { causesOf } from '../../../domain/selection.ts';
import { asideNow } from '../../../domain/storage/breaker.ts';
import type { SampleDoc } from '../../../domain/storage/efficiency.ts';
import { idsWith } from '../../../store.ts';
import { together } from '../../../util/concurrency.ts';
import { humanBytes } from '../../../util/text/bytes.ts';
import { between, humanDuration, type Iso } from '../../../util/time.ts';
import { groupBy } from '../../../util/values/group.ts';
import { views } from '../../../views/index.ts';
import { breakers } from '../../copies/breakers.ts';
import type { ReadPorts } from '../../ports.ts';
import { noteLine, notesSince } from '../../switches/notes.ts';
import { changedDocs, historyRows } from '../history.ts';
import { many, sum } from '../status/counts.ts';
import type { Attention } from '../status/page.ts';
import { status } from '../status/status.ts';

/** Something that was done, by whom and when. */
export interface Done {
  readonly at: Iso;
  readonly by: string;
  readonly text: string;
}

/** Something to be looked at, and the command to begin with. */
interface Worse {
  readonly text: string;
  readonly next: string;
}

/** What a shift leaves to the next one. */
export interface Handover {
  readonly experiment: string;
  readonly since: Iso;
  readonly at: Iso;
  readonly happened: readonly string[];
  /** Holds that were put and ended, requests, what was retried, canceled and deleted. */
  readonly switched: readonly Done[];
  readonly notes: readonly Done[];
  /** What needs a person now. */
  readonly open: readonly Attention[];
  /** What was well when the shift began. */
  readonly worse: readonly Worse[];
}

/** Documents read of what failed. */
const ENOUGH = 2_000;

export async function handover(ports: ReadPorts, since: Iso): Promise<Handover> {
  const { experiment, at, needYou: open } = await status(ports);
  const notes = await notesSince(ports.store, since);
  return {
    experiment,
    since,
    at,
    happened: await happened(ports, since),
    switched: await switched(ports, since),
    notes: notes.map(noteLine),
    open,
    worse: await worse(ports, since, at),
  };
}

/** `60 passes completed: Processing 40, Analysis40 20` */
async function happened({ store, settings }: ReadPorts, since: Iso): Promise<string[]> {
  const ends: readonly PassState[] = ['completed', 'failed', 'partFail', 'canceled', 'deleted'];
  const passes = await Promise.all(
    ends.map(async (state) => {
      const rows = await store.view(views.jobsByState, { start: [state, since], end: [state, {}] });
      const modules = groupBy(rows, ({ id }) => parseJobId(id)?.module ?? '?');
      const names = [...modules].map(([name, { length }]) => `${name} ${length}`).join(', ');
      return rows.length === 0 ? [] : [`${many(rows.length, 'pass', 'passes')} ${state}: ${names}`];
    }),
  );
  const levels = [...new Set(settings.buffers.map(({ level }) => level))];
  const bytes = await Promise.all(
    levels.map(async (level) => {
      const range = { start: ['in', level, since.slice(0, 13)], end: ['in', level, {}] } as const;
      const total = sum(await store.count(views.buffer, 2, range));
      return total === 0 ? [] : [`${humanBytes(total)} of ${level} registered`];
    }),
  );
  const samples = await store.range<SampleDoc>(idsWith('sample:'));
  return [...bytes.flat(), ...samples.flatMap((doc) => copiesText(doc, since)), ...passes.flat()];
}

function copiesText({ name, hours }: SampleDoc, since: Iso): string[] {
  const own = hours.filter(({ hour }) => hour >= since.slice(0, 13));
  const ok = own.reduce((total, one) => total + one.ok, 0);
  const failed = own.reduce((total, one) => total + one.failed, 0);
  if (ok + failed === 0) return [];
  return [`${name}: ${many(ok, 'copy', 'copies')} made${failed === 0 ? '' : `, ${failed} failed`}`];
}

/** Commands by which people change passes. */
const BY_HAND = /\((retry|cancel|delete|reset|reprocess|farm unlock)\)$/;

async function switched(ports: ReadPorts, since: Iso): Promise<Done[]> {
  const rows = historyRows(await changedDocs(ports, since), { since });
  const isPass = ({ ref }: { readonly ref: string }): boolean => /^\d/.test(ref);
  const others = rows
    .filter((row) => !isPass(row))
    .map(({ at, by, to, ref, why }) => {
      return { at, by, text: `${ref} ${to}${why === undefined ? '' : `: ${why}`}` };
    });
  const moves = groupBy(
    rows.filter((row) => isPass(row) && BY_HAND.test(row.by)),
    ({ by, to, why }) => JSON.stringify([by, to, why]),
  );
  const passes = [...moves.values()].flatMap((some): Done[] => {
    const [first] = some;
    if (!first) return [];
    const refs = new Set(some.map(({ ref }) => ref.replace(/\.\d+$/, '')));
    const which = refs.size === 1 ? [...refs].join() : many(refs.size, 'pass', 'passes');
    return [{ at: first.at, by: first.by, text: `${which} to ${first.to}${first.why ? `: ${first.why}` : ''}` }];
  });
  return [...others, ...passes].toSorted((a, b) => (a.at < b.at ? -1 : 1));
}

async function worse(ports: ReadPorts, since: Iso, now: Iso): Promise<Worse[]> {
  return together(
    newFailures(ports, since),
    newQuarantine(ports, since),
    elements(ports, since, now),
    silences(ports, since, now),
  );
}

async function newFailures({ store }: ReadPorts, since: Iso): Promise<Worse[]> {
  const states = ['failed', 'partFail', 'held'] as const;
  const rows = await together(
    ...states.map((state) => store.view(views.jobsByState, { start: [state, since], end: [state, {}], limit: ENOUGH })),
  );
  const jobs = await store.get<JobDoc>(rows.map(({ id }) => id));
  const causes = [...jobs.values()].flatMap((job) => causesOf(job).map((cause) => ({ cause, module: job.module })));
  const groups = [...groupBy(causes, ({ cause, module }) => `${cause} in ${module}`)];
  return groups.map(([name, some]): Worse => {
    const [first] = some;
    const next = `dflow list jobs --cause ${first?.cause} --module ${first?.module}`;
    return { text: `${many(some.length, 'pass', 'passes')} stopped by ${name}`, next };
  });
}

async function newQuarantine({ store }: ReadPorts, since: Iso): Promise<Worse[]> {
  const docs = (await store.range<QuarantineDoc>(idsWith('quarantine:'))).filter(({ at }) => at >= since);
  if (docs.length === 0) return [];
  const reasons = [...new Set(docs.map(({ reason }) => reason))].join(', ');
  const text = `${many(docs.length, 'file', 'files')} came into quarantine: ${reasons}`;
  return [{ text, next: 'dflow list quarantine' }];
}

async function elements({ store }: ReadPorts, since: Iso, now: Iso): Promise<Worse[]> {
  return [...(await breakers(store))].flatMap(([name, doc]): Worse[] => {
    const trouble = asideNow(doc, now) ?? Object.values(doc.causes)[0];
    if (!trouble || trouble.since < since) return [];
    return [{ text: `${name} fails since ${trouble.since}: ${trouble.why}`, next: `dflow why ${name}` }];
  });
}

/** Farms and loops that were heard of when the shift began, and are not well now. */
async function silences({ store, settings }: ReadPorts, since: Iso, now: Iso): Promise<Worse[]> {
  const farms = await store.range<FarmDoc>(idsWith('farm:'));
  const loops = await store.range<LoopDoc>(idsWith('loop:'));
  const silent = farms.filter(({ heartbeat }) => heartbeat >= since && between(heartbeat, now) > settings.limits.stale);
  const failing = loops.filter(({ at, outcome }) => at >= since && outcome !== 'ok');
  return [
    ...silent.map(({ site, heartbeat }) => {
      return { text: `${site}: no heartbeat for ${humanDuration(between(heartbeat, now))}`, next: `dflow why ${site}` };
    }),
    ...failing.map(({ host, loop, outcome }) => ({
      text: `${loop} on ${host}: ${outcome}`,
      next: `dflow why ${host}`,
    })),
  ];
}
