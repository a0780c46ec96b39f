// Bad copies that a repair may make anew: those of raw files and those of outputs, each with the places it may come from.
// What differs between the two stands here; how a copy is mended (repair.ts) does not care.

import type { DataDoc, RawFile } from '../../../domain/data/data.ts';
import { badOutputs } from '../../../domain/data/outcopies.ts';
import { bufferSite, type CopyTask, repairable, type Source } from '../../../domain/data/replicas.ts';
import type { Doc } from '../../../domain/doc.ts';
import { covers } from '../../../domain/hold.ts';
import { refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { Iso } from '../../../util/time.ts';
import { have } from '../../../util/values/have.ts';
import { views } from '../../../views/index.ts';
import type { View } from '../../../views/view.ts';
import type { Claims } from '../../copies/claims/claims.ts';
import { findGone, outputClaims, slotClaims } from '../../copies/claims/gone.ts';
import { claimsIn } from '../../copies/claims/outputclaims.ts';
import { slotsIn } from '../../copies/claims/slots.ts';
import type { Session } from '../../copies/session.ts';
import type { VerifySession } from './verifysession.ts';

/** One bad copy. */
export interface Broken {
  readonly kind: 'replica' | 'output';
  readonly task: Omit<CopyTask, 'source'>;
  /** Where good copies can be read now, as far as is known; the best first. */
  readonly sources: readonly Source[];
  /** What is to be said when none of them is good, and what to type. */
  readonly hopeless: { readonly text: string; readonly next: string };
}

/** A few documents, brought up to date by the claims in them. */
export interface Ward {
  readonly claims: Claims;
  /** What is bad in them now, and nobody is copying. */
  broken(now: Iso): Broken[];
}

/** Files of one batch: their slots are claimed for as long as it takes. */
export const FILES_AT_ONCE = 128;

/** Everything at `storages` that may have to be mended, oldest run first: raw files, then outputs. */
export async function* wards(
  session: Session,
  verify: VerifySession,
  storages: readonly string[],
): AsyncGenerator<Ward, void, void> {
  const { levels } = verify.options;
  for await (const docs of pages<DataDoc>(verify, storages, views.replicas, ['bad', 'copying'])) {
    const mine = [...docs.keys()].filter((id) => levels?.includes(have(docs, id).level) !== false);
    await findGone(session, slotClaims(docs.values()));
    const broken = (now: Iso): Broken[] =>
      mine.flatMap((id) => (docs.has(id) ? brokenRaw(session, have(docs, id), storages, now) : []));
    yield { claims: slotsIn(session, docs), broken };
  }
  // Outputs belong to no raw data level.
  if (levels) return;
  for await (const jobs of pages<JobDoc>(verify, storages, views.outputCopies, ['bad'])) {
    await findGone(session, outputClaims(jobs.values()));
    const broken = (now: Iso): Broken[] =>
      [...jobs.values()].flatMap((job) => brokenOutputs(session, job, storages, now));
    yield { claims: claimsIn(session, jobs), broken };
  }
}

/** Documents with rows of these states in a view by storage element, state and run. */
async function* pages<T extends Doc>(
  { ports, options }: VerifySession,
  storages: readonly string[],
  view: View<[storage: string, state: string, run: number], number>,
  states: readonly string[],
): AsyncGenerator<Map<string, T>, void, void> {
  const runs = new Map<string, number>();
  for (const storage of storages) {
    for (const state of states) {
      for (const { id, key } of await ports.store.view(view, { prefix: [storage, state] })) {
        runs.set(id, key[2]);
      }
    }
  }
  const wanted = [...runs].filter(([, run]) => options.runs?.(run) !== false).sort(([, a], [, b]) => a - b);
  for (let at = 0; at < wanted.length; at += FILES_AT_ONCE) {
    yield await ports.store.get<T>(wanted.slice(at, at + FILES_AT_ONCE).map(([id]) => id));
  }
}

function brokenRaw(session: Session, doc: DataDoc, storages: readonly string[], now: Iso): Broken[] {
  const { _id: id, level, run } = doc;
  return doc.files.flatMap((file) =>
    storages.flatMap((to): Broken[] => {
      const replica = file.replicas[to];
      const repair = repairable(replica, now, session.rules.gone);
      if (!repair) return [];
      const attempt = (replica?.attempt ?? 0) + 1;
      const task = { id, level, run, ref: refOf(run), file, to, path: repair.path, attempt, repair };
      const none = { text: 'no good copy is known', next: `dflow why ${refOf(run)}` };
      return [{ kind: 'replica', task, ...rawSources(session, doc, file, to, none) }];
    }),
  );
}

/** Verified copies elsewhere; then the original, where it is on this host. */
function rawSources(session: Session, doc: DataDoc, file: RawFile, to: string, none: Broken['hopeless']): Places {
  const good = Object.entries(file.replicas).flatMap(([site, replica]): Source[] =>
    replica.state === 'verified' && site !== to ? [{ site, path: replica.path }] : [],
  );
  const { sources, hopeless } = placesOf(session, doc, good, none);
  const site = bufferSite(doc.level);
  const { ports, sites } = session;
  const here = file.original.state === 'present' && doc.host === ports.host && !sites.aside.has(site);
  return { sources: here ? [...sources, { site, path: file.path }] : sources, hopeless };
}

function brokenOutputs(session: Session, job: JobDoc, storages: readonly string[], now: Iso): Broken[] {
  return storages.flatMap((to) =>
    badOutputs(job, to, now, session.rules.gone).map(({ task, good }): Broken => {
      const pass = refOf(job.run, job.module, job.pass);
      const text = `no good copy is known; make it again, then \`dflow delete ${pass}\``;
      return { kind: 'output', task, ...placesOf(session, task, good, { text, next: makeAgain(job) }) };
    }),
  );
}

/** What makes the outputs of a pass anew: a completed pass cannot be retried. */
export function makeAgain({ run, module, version }: Pick<JobDoc, 'run' | 'module' | 'version'>): string {
  return `dflow reprocess --request again-${module}-${run} --version ${version} --module ${module} --run ${run}`;
}

type Places = Pick<Broken, 'sources' | 'hopeless'>;

/**
 * Good copies that can be read now, disks before tape. One at an element that is away or disabled is a hope: nothing is
 * said to be lost.
 */
function placesOf(
  { rules, sites }: Session,
  { level, run }: Pick<CopyTask, 'level' | 'run'>,
  good: readonly Source[],
  none: Broken['hopeless'],
): Places {
  const isAway = ({ site: storage }: Source): boolean =>
    sites.aside.has(storage) ||
    rules.holds.some(({ what, scope }) => what === 'storage' && covers(scope, { storage, level, run }));
  const ordered = [...rules.storages.filter(({ tape }) => !tape), ...rules.storages.filter(({ tape }) => tape)];
  const known = ordered.flatMap(({ name }) => good.filter(({ site }) => site === name));
  const away = known.filter(isAway).map(({ site }) => site);
  const [first] = away;
  const later = { text: `a good copy at ${away.join(', ')} cannot be read now`, next: `dflow why ${first}` };
  return { sources: known.filter((source) => !isAway(source)), hopeless: first === undefined ? none : later };
}
