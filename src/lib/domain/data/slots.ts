// Replica slots: claimed before copying so that two hosts never copy one file twice, renewed while a copy runs, settled
// with its result. Pure changes of a data document; the attempt and the nonce say whose slot it is.

import { type Iso, plus } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { groupBy } from '../../util/values/group.ts';
import { have } from '../../util/values/have.ts';
import { appendHistory } from '../doc.ts';
import { backOff, type CopyClaim, type Gone } from './copyclaim.ts';
import { type DataDoc, type RawFile, type Replica, withDone } from './data.ts';
import { bufferSite, type CopyTask, isDue, repairable } from './replicas.ts';

/** Who claims slots, and until when. */
export interface Claim {
  readonly host: string;
  readonly nonce: string;
  readonly holder?: string;
  readonly now: Iso;
  readonly expires: Iso;
  /** Claims that may be taken over, though their time is not over. */
  readonly gone: Gone;
}

/** The claim as it stands in a document. */
export function claimed({ host, nonce, holder, now, expires }: Claim): Omit<CopyClaim, 'since'> {
  return { host, nonce, ...given({ holder }), renewed: now, expires };
}

/** The document with the slots of `tasks` claimed, as far as they are still due; `undefined` when none is. */
export function claimSlots(doc: DataDoc, tasks: readonly CopyTask[], claim: Claim): DataDoc | undefined {
  const { now, gone } = claim;
  return changeFiles(doc, tasks, (file, task) => {
    const replica = file.replicas[task.to];
    const same = file.adler32 === task.file.adler32 && file.size === task.file.size;
    const due = task.repair ? repairable(replica, now, gone) !== undefined : isDue(replica, now, gone, task.hurried);
    if (!same || !due || !hasSource(doc, file, task) || (replica?.attempt ?? 0) + 1 !== task.attempt) return undefined;
    const slot = { ...claimed(claim), attempt: task.attempt, since: now, source: task.source.site };
    const more = { ...failuresOf(replica), ...(task.repair ? { repair: task.repair } : {}) };
    return withReplica(file, task.to, { state: 'copying', ...slot, ...more });
  });
}

const failuresOf = (replica: Replica | undefined): { failures?: number } =>
  replica && 'failures' in replica && replica.failures !== undefined ? { failures: replica.failures } : {};

/** An original that a purge has claimed, or a copy that has been found bad meanwhile, is not a source any more. */
function hasSource(doc: DataDoc, file: RawFile, { source }: CopyTask): boolean {
  if (source.site === bufferSite(doc.level)) return file.original.state === 'present';
  return file.replicas[source.site]?.state === 'verified';
}

/** True while the slot of `task` is the one that was claimed with `nonce`. */
export function isOurs(doc: DataDoc | undefined, task: CopyTask, nonce: string): boolean {
  const replica = doc?.files.find((file) => file.name === task.file.name)?.replicas[task.to];
  return replica?.state === 'copying' && replica.nonce === nonce && replica.attempt === task.attempt;
}

/** A sign of life of a claim. */
export type Renewal = Required<Pick<CopyClaim, 'nonce' | 'renewed' | 'expires'>>;

/** The document with our slots good until `expires`; `undefined` when none is ours any more. */
export function renewSlots(doc: DataDoc, tasks: readonly CopyTask[], { nonce, renewed, expires }: Renewal) {
  return changeFiles(doc, tasks, (file, task) => {
    const replica = file.replicas[task.to];
    if (replica?.state !== 'copying' || !isOurs(doc, task, nonce)) return undefined;
    return withReplica(file, task.to, { ...replica, renewed, expires });
  });
}

/** How a task ended. */
export interface Result {
  readonly task: CopyTask;
  readonly did:
    | 'verified' // the copy is there, and its checksum was read back
    | 'adopted' // the same, and the copy had been there before
    | 'failed' // tried again after the back-off
    | 'released' // not the file's fault: the next call tries again
    | 'canceled' // by an operator
    | 'lost'; // another attempt has the slot; nothing is recorded
  readonly why?: string;
  readonly next?: string;
  /** Where the source was found wrong. */
  readonly fault?: 'original' | 'replica';
}

/** True when the copy is there now. */
export const isMade = ({ did }: Result): boolean => did === 'verified' || did === 'adopted';

export interface Settling {
  readonly nonce: string;
  readonly now: Iso;
  readonly retry: number;
  readonly by: string;
}

/** The document with the results of a batch; `undefined` when nothing in it is ours to change. */
export function settle(doc: DataDoc, results: readonly Result[], record: Settling): DataDoc | undefined {
  const byTask = new Map(results.map((result) => [result.task, result]));
  const marked = changeFiles(doc, [...byTask.keys()], (file, task) => faulty(file, have(byTask, task), record.now));
  const base = marked ?? doc;
  const settled = changeFiles(base, [...byTask.keys()], (file, task) => {
    const ours = isOurs(doc, task, record.nonce);
    const replica = ours ? settledReplica(have(byTask, task), file.replicas[task.to], record) : undefined;
    return replica && withReplica(file, task.to, replica);
  });
  if (!settled) return marked && withDone(marked);
  const entries = summaries(results.filter(({ task }) => isOurs(doc, task, record.nonce)));
  const history = entries.reduce(
    (all, entry) => appendHistory(all, { at: record.now, by: record.by, ...entry }),
    doc.history,
  );
  return withDone({ ...settled, history });
}

function settledReplica(
  result: Result,
  slot: Replica | undefined,
  { now, retry }: Pick<Settling, 'now' | 'retry'>,
): Replica | undefined {
  const { task, did, why = 'failed' } = result;
  const { attempt, path } = task;
  if (isMade(result)) return { state: 'verified', attempt, path, since: now, checkedAt: now };
  if (did === 'lost') return undefined;
  if (task.repair) return { state: 'bad', attempt, since: now, ...task.repair };
  const before = failuresOf(slot);
  if (did !== 'failed') return { state: 'failed', attempt, ...before, since: now, why, retryAt: now };
  const failures = (before.failures ?? 0) + 1;
  return { state: 'failed', attempt, failures, since: now, why, retryAt: plus(now, backOff(failures, retry)) };
}

/** The file with its source marked wrong, where the result found it so and nobody has changed it since. */
function faulty(file: RawFile, { task, fault, why = 'differs' }: Result, now: Iso): RawFile | undefined {
  if (fault === 'original' && file.original.state === 'present' && file.adler32 === task.file.adler32) {
    return { ...file, original: { state: 'changed', since: now, why } };
  }
  const source = file.replicas[task.source.site];
  if (fault !== 'replica' || source?.state !== 'verified' || source.path !== task.source.path) return undefined;
  return withReplica(file, task.source.site, {
    state: 'bad',
    attempt: source.attempt,
    path: source.path,
    since: now,
    why,
  });
}

/** `4 files at sfu`: one line of history per element and outcome. */
function summaries(results: readonly Result[]): { to: string; why: string }[] {
  const counts = new Map<string, { to: string; storage: string; files: number }>();
  for (const { did, task } of results) {
    const key = `${did} ${task.to}`;
    const count = counts.get(key) ?? { to: did, storage: task.to, files: 0 };
    counts.set(key, { ...count, files: count.files + 1 });
  }
  return [...counts.values()].map(({ to, storage, files }) => ({
    to,
    why: `${files} ${files === 1 ? 'file' : 'files'} at ${storage}`,
  }));
}

/** What the document would be if these copies had been made: the next round of a dry run starts from it. */
export function assumeVerified(doc: DataDoc, tasks: readonly CopyTask[], now: Iso): DataDoc {
  const changed = changeFiles(doc, tasks, (file, { to, attempt, path }) =>
    withReplica(file, to, { state: 'verified', attempt, path, since: now, checkedAt: now }),
  );
  return changed ? withDone(changed) : doc;
}

function withReplica(file: RawFile, storage: string, replica: Replica): RawFile {
  return { ...file, replicas: { ...file.replicas, [storage]: replica } };
}

/** Applies `change` to the file of each task; `undefined` when none changed. */
function changeFiles(
  doc: DataDoc,
  tasks: readonly CopyTask[],
  change: (file: RawFile, task: CopyTask) => RawFile | undefined,
): DataDoc | undefined {
  const mine = tasks.filter(({ id }) => id === doc._id);
  const byName = groupBy(mine, ({ file }) => file.name);
  let changed = false;
  const files = doc.files.map((file) =>
    (byName.get(file.name) ?? []).reduce((current, task) => {
      const next = change(current, task);
      changed ||= next !== undefined;
      return next ?? current;
    }, file),
  );
  return changed ? { ...doc, files } : undefined;
}
