// Bad copies that a repair may make anew: those of raw files and those of outputs, each with the places it may come from.
// What differs between the two stands here; how a copy is mended (repair.ts) does not care.
import type { DataDoc, RawFile } from '../../domain/data.ts';
import type { Doc } from '../../domain/doc.ts';
import { refOf } from '../../domain/ids.ts';
import type { JobDoc } from '../../domain/job.ts';
import { badOutputs } from '../../domain/outcopies.ts';
import { bufferSite, type CopyTask, repairable, type Source } from '../../domain/replicas.ts';
import type { Iso } from '../../util/time.ts';
import { claimsIn } from '../outputs/claims.ts';
import type { Claims } from '../transfer/claims.ts';
import type { Session } from '../transfer/session.ts';
import { slotsIn } from '../transfer/slots.ts';
import type { VerifySession } from './session.ts';

/** One bad copy. */
export interface Broken {
  readonly kind: 'replica' | 'output';
  readonly task: Omit<CopyTask, 'source'>;
  /** Where good copies are, as far as is known; the best first. */
  readonly sources: readonly Source[];
  /** What is to be done when none of them is good, and what to type for it. */
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
  for await (const docs of pages<DataDoc>(verify, storages, 'replicas', ['bad', 'copying'])) {
    const mine = [...docs.keys()].filter((id) => levels?.includes(docs.get(id)!.level) !== false);
    const broken = (now: Iso): Broken[] =>
      mine.flatMap((id) => (docs.has(id) ? brokenRaw(session, docs.get(id)!, storages, now) : []));
    yield { claims: slotsIn(session, docs), broken };
  }
  // Outputs belong to no raw data level.
  if (levels) return;
  for await (const jobs of pages<JobDoc>(verify, storages, 'output-copies', ['bad'])) {
    const broken = (now: Iso): Broken[] =>
      [...jobs.values()].flatMap((job) => brokenOutputs(session, job, storages, now));
    yield { claims: claimsIn(session, jobs), broken };
  }
}

/** Documents with rows of these states in a view by storage element, state and run. */
async function* pages<T extends Doc>(
  { ports, options }: VerifySession,
  storages: readonly string[],
  view: string,
  states: readonly string[],
): AsyncGenerator<Map<string, T>, void, void> {
  const runs = new Map<string, number>();
  for (const storage of storages) {
    for (const state of states) {
      for (const { id, key } of await ports.store.view(view, { prefix: [storage, state] })) {
        runs.set(id, Number((key as unknown[])[2]));
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
      const repair = repairable(replica, now);
      if (!repair) return [];
      const attempt = (replica?.attempt ?? 0) + 1;
      const task = { id, level, run, ref: refOf(run), file, to, path: repair.path, attempt, repair };
      const hopeless = { text: 'no good copy is known', next: `dflow list replicas --run ${run}` };
      return [{ kind: 'replica', task, sources: rawSources(session, doc, file, to), hopeless }];
    }),
  );
}

/** Verified copies elsewhere; then the original, where it is on this host. */
function rawSources(session: Session, doc: DataDoc, file: RawFile, to: string): Source[] {
  const copies = readable(session, to).flatMap((site): Source[] => {
    const replica = file.replicas[site];
    return replica?.state === 'verified' ? [{ site, path: replica.path }] : [];
  });
  const site = bufferSite(doc.level);
  const { ports, sites } = session;
  const here = file.original.state === 'present' && doc.host === ports.host && !sites.aside.has(site);
  return here ? [...copies, { site, path: file.path }] : copies;
}

function brokenOutputs(session: Session, job: JobDoc, storages: readonly string[], now: Iso): Broken[] {
  return storages.flatMap((to) =>
    badOutputs(job, to, now).map(({ task, good }): Broken => {
      const sources = readable(session, to).flatMap((name) => good.filter(({ site }) => site === name));
      const pass = refOf(job.run, job.module, job.pass);
      const text = `no good copy is known; make it again, then \`dflow delete ${pass}\``;
      return { kind: 'output', task, sources, hopeless: { text, next: makeAgain(job) } };
    }),
  );
}

/** What makes the outputs of a pass anew: a completed pass cannot be retried. */
export function makeAgain({ run, module, version }: Pick<JobDoc, 'run' | 'module' | 'version'>): string {
  return `dflow reprocess --request again-${module}-${run} --version ${version} --module ${module} --run ${run}`;
}

/** Storage elements other than `to` that can be read now, disks before tape. */
function readable({ rules, sites }: Session, to: string): string[] {
  const usable = rules.storages.filter(({ name }) => name !== to && !sites.aside.has(name));
  return [...usable.filter(({ tape }) => !tape), ...usable.filter(({ tape }) => tape)].map(({ name }) => name);
}
