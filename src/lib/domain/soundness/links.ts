// Which documents a document names: each must exist. Steps write the named document first; only a run follows its files.
import type { DataDoc } from '../data/data.ts';
import type { Doc } from '../doc.ts';
import type { ClaimDoc } from '../farms/farm.ts';
import { claimId, dataId, refOf, requestId, runId } from '../ids.ts';
import type { JobDoc } from '../jobs/job.ts';
import type { RequestDoc } from '../jobs/request.ts';
import { isActive, lockOf } from '../jobs/states.ts';
import { ARCHIVED } from '../runs/archived.ts';

/** A document that another one names. */
export interface Link {
  /** Id of the named document. */
  readonly id: string;
  /** Words before the id: `the request`. */
  readonly what: string;
  /** What brings it back, or makes that nothing names it. */
  readonly next: string;
}

/** Adds documents that are missing, and changes no other. */
const BACK = 'take it from a backup, which adds only what is missing: dflow store import BACKUP';

const back = (what: string, id: string): Link => ({ id, what, next: BACK });

const OF: Readonly<Record<string, (doc: never) => Link[]>> = {
  data: ({ level, run, files }: DataDoc) =>
    files.length === 0 ? [] : [{ id: runId(run), what: 'the run', next: `dflow register --level ${level}` }],
  job: linksOfJob,
  request: ({ parts = [] }: RequestDoc) => parts.map(({ id }) => back('the part of its plan', id)),
  plan: ({ name }: { readonly name: string }) => [back('the request', requestId(name))],
  claim: ({ site, refs }: ClaimDoc) =>
    refs.map(([id]) => ({ id, what: 'the pass', next: `dflow reset --site ${site}` })),
  table: ({ hash }: { readonly hash: string }) => [back('the content', `tablebody:${hash}`)],
  tag: ({ parts }: { readonly parts: readonly { readonly id: string }[] }) =>
    parts.map(({ id }) => back('the part', id)),
};

function linksOfJob(job: JobDoc): Link[] {
  const { run, level, request, tag, needs, subjobs } = job;
  const raw = subjobs.some(({ inputs }) => inputs.some(({ kind }) => kind === 'raw'));
  const from = subjobs.flatMap(({ inputs }) => inputs.flatMap((one) => (one.kind === 'output' ? [one.job] : [])));
  const passes = new Set([...needs.map(({ job: id }) => id), ...from]);
  const claims = subjobs.flatMap(({ index, state }) => {
    const lock = isActive(state) ? lockOf(state) : undefined;
    return lock ? [{ ...lock, ref: refOf(run, job.module, job.pass, index) }] : [];
  });
  return [
    back('the run', runId(run)),
    ...(raw ? [back('the raw files', dataId(level, run))] : []),
    ...(request === undefined ? [] : [back('the request', requestId(request))]),
    ...(tag === undefined ? [] : [back('the tag', `tag:${tag}`)]),
    ...[...passes].map((id) => back('the prerequisite pass', id)),
    ...claims.map(({ claim, site, ref }) => ({
      id: claimId(claim),
      what: `for ${ref} the claim`,
      next: `dflow monitor --site ${site}; it stops the job, which then waits again`,
    })),
  ];
}

/** The document that says in which file a missing one is, where it is of a run. */
export function archivedIdOf(id: string): string | undefined {
  const run = /^(?:run|data:[^:]*|job):(\d{10})(?::|$)/.exec(id)?.[1];
  return run === undefined ? undefined : `${ARCHIVED}${run}`;
}

/** The documents that `doc` names. `doc` can be read. */
export function linksOf(doc: Doc): Link[] {
  const of = Object.hasOwn(OF, doc.kind) ? OF[doc.kind] : undefined;
  return of ? of(doc as never) : [];
}
