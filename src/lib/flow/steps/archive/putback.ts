// Documents of archived runs come back into the store. What is there is kept where it is the same document, later; what
// somebody made anew in its place goes, as long as nothing came of it.
import { asA, type Doc, type HistoryEntry } from '../../../domain/doc.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { current } from '../../../domain/migrations/migrations.ts';
import { type Decision, type Store, tookEffect } from '../../../store.ts';
import { digest, type PlainDoc, plain } from './archive.ts';
import type { Filed } from './archivefile.ts';

const THERE = 'it is there';

/** Answers the runs of which a document could not be written, and why. */
export async function putBack(store: Store, runs: readonly Filed[]): Promise<Map<number, string>> {
  const all = runs.flatMap(({ run, docs }) => docs.map((doc) => ({ run, doc })));
  const outcomes = await store.bulk(all.map(({ doc }) => ({ id: doc._id, change: (now) => decide(doc, now) })));
  const failed = new Map<number, string>();
  for (const [at, outcome] of outcomes.entries()) {
    const run = all[at]?.run;
    if (run === undefined || tookEffect(outcome) || outcome.why === THERE) continue;
    failed.set(run, outcome.why ?? `${outcome.id}: ${outcome.result}`);
  }
  return failed;
}

/** What becomes of one document of the file, by what the store has under its id. */
function decide(filed: PlainDoc, now: Doc | undefined): Decision {
  const doc = current(filed as Doc);
  if (!now) return { write: doc };
  const there = current(now);
  if (digest(plain(there)) === digest(plain(doc))) return { skip: THERE };
  // Attempts never decrease: a pass that never ran is not a later state of one that did.
  if (wasTried(doc) && !wasTried(there)) return { write: doc };
  if (isSame(there, doc)) return { skip: THERE };
  return wasTried(there) ? { skip: `${doc._id} was made anew meanwhile, and has run` } : { write: doc };
}

/** True of a pass of which a job was ever asked for. */
function wasTried(doc: Doc): boolean {
  return asA<JobDoc>(doc, 'job')?.subjobs.some(({ attempt }) => attempt > 0) === true;
}

/** True of two states of one document: both began with the same entry. */
function isSame(a: Doc, b: Doc): boolean {
  const [first, other] = [firstOf(a), firstOf(b)];
  return first !== undefined && first === other;
}

function firstOf(doc: Doc): string | undefined {
  const [first] = 'history' in doc ? (doc.history as readonly HistoryEntry[]) : [];
  return first && JSON.stringify([first.at, first.to, first.by]);
}
