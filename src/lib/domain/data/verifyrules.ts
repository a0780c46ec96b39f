// What verify concludes from what it found, decided purely: good, bad, or the whole storage element is at fault; and the
// changes of the documents that follow. Knows no storage element and no store.

import type { Iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { appendHistory } from '../doc.ts';
import type { JobDoc } from '../jobs/job.ts';
import type { Output } from '../jobs/states.ts';
import { type DataDoc, type Replica, withDone } from './data.ts';

/** Fewer bad ones than this are never a site fault, whatever their share. */
const FAULT_AT_LEAST = 5;
/** Checked copies from which a batch counts by itself. */
const BATCH_COUNTS = 100;

export interface Tally {
  readonly checked: number;
  readonly bad: number;
}

/** True when so much of a storage element is bad at once that the element is the fault, not its files. */
export function isSiteFault(batch: Tally, before: Tally, fault: number): boolean {
  const over = ({ checked, bad }: Tally): boolean => bad >= FAULT_AT_LEAST && bad > fault * checked;
  const all = { checked: before.checked + batch.checked, bad: before.bad + batch.bad };
  return over(all) || (batch.checked >= BATCH_COUNTS && over(batch));
}

/** A check of one copy of a raw file. `why`: it is bad; absent: it is good. */
export interface RawCheck {
  readonly file: string;
  readonly storage: string;
  /** The copy that was checked: one made anew meanwhile is another. */
  readonly attempt: number;
  readonly why?: string;
}

/** The document with the checks in it; `undefined` when none concerns it any more. */
export function applyRawChecks(
  doc: DataDoc,
  checks: readonly RawCheck[],
  { now, by }: { readonly now: Iso; readonly by: string },
): DataDoc | undefined {
  let bad = 0;
  let changed = false;
  const files = doc.files.map((file) => {
    const replicas: Record<string, Replica> = { ...file.replicas };
    for (const check of checks) {
      const replica = replicas[check.storage];
      if (check.file !== file.name || replica?.state !== 'verified' || replica.attempt !== check.attempt) continue;
      changed = true;
      if (check.why === undefined) replicas[check.storage] = { ...replica, checkedAt: now };
      else {
        const { attempt, path } = replica;
        replicas[check.storage] = { state: 'bad', attempt, path, since: now, why: check.why };
        bad++;
      }
    }
    return { ...file, replicas };
  });
  if (!changed) return undefined;
  const where = [...new Set(checks.flatMap(({ why, storage }) => (why === undefined ? [] : storage)))].join(', ');
  const entry = { at: now, by, to: 'bad', why: `${bad} ${bad === 1 ? 'copy' : 'copies'} at ${where}` };
  return withDone({ ...doc, files, history: bad > 0 ? appendHistory(doc.history, entry) : doc.history });
}

/** A check of one output of a subjob. */
export interface OutputCheck {
  readonly subjob: number;
  readonly storage: string;
  readonly path: string;
  readonly why?: string;
}

/** The job with the checks in its outputs; `undefined` when none concerns it any more. */
export function applyOutputChecks(job: JobDoc, checks: readonly OutputCheck[], now: Iso): JobDoc | undefined {
  let changed = false;
  const subjobs = job.subjobs.map((subjob) => {
    if (subjob.state.name !== 'completed') return subjob;
    const outputs = subjob.state.outputs.map((output): Output => {
      const check = checks.find(
        (one) => one.subjob === subjob.index && one.storage === output.storage && one.path === output.path,
      );
      if (!check) return output;
      changed = true;
      const { bad: _bad, ...rest } = output;
      return { ...rest, checkedAt: now, ...given({ bad: check.why }) };
    });
    return { ...subjob, state: { ...subjob.state, outputs } };
  });
  return changed ? { ...job, subjobs } : undefined;
}
