// Replica slots in the store: claimed in one bulk per batch, renewed while copies run, settled in one bulk.
// One write per document and batch, not per file: a document with 300 files would be written 300 times.

import type { DataDoc } from '../../../domain/data/data.ts';
import type { CopyTask } from '../../../domain/data/replicas.ts';
import { claimSlots, isMade, isOurs, type Result, renewSlots, settle } from '../../../domain/data/slots.ts';
import type { Outcome } from '../../../store.ts';
import { groupBy } from '../../../util/values/group.ts';
import { have } from '../../../util/values/have.ts';
import type { Session } from '../session.ts';
import type { Claims } from './claims.ts';

/** Data documents as last read, by id. */
export type Docs = Map<string, DataDoc>;

type Change = (doc: DataDoc, tasks: readonly CopyTask[]) => DataDoc | undefined;

/** Claims that stand in these documents, which are brought up to date. `refuse`: what cannot be changed. */
export function slotsIn(
  session: Session,
  docs: Docs,
  refuse: (outcome: Outcome<DataDoc>) => void = () => undefined,
): Claims {
  const { store, settings, by } = session.ports;
  return {
    async claim(tasks, claim) {
      const outcomes = await changeDocs(session, docs, tasks, (doc, mine) => claimSlots(doc, mine, claim));
      // Frozen, or changed by others at every try.
      for (const outcome of outcomes) if (outcome.result === 'frozen' || outcome.result === 'lost') refuse(outcome);
      return tasks.filter((task) => isOurs(docs.get(task.id), task, claim.nonce));
    },
    async renew(tasks, renewal) {
      const now: Docs = new Map();
      await changeDocs(session, now, tasks, (doc, mine) => renewSlots(doc, mine, renewal));
      return new Set(tasks.filter((task) => isOurs(now.get(task.id), task, renewal.nonce)));
    },
    async isOurs(task, nonce) {
      return isOurs((await store.get<DataDoc>([task.id])).get(task.id), task, nonce);
    },
    async record(results, nonce) {
      const settling = { nonce, now: await store.now(), retry: settings.transfer.retry, by };
      const byTask = new Map(results.map((result) => [result.task, result]));
      await changeDocs(session, docs, [...byTask.keys()], (doc, mine) =>
        settle(
          doc,
          mine.map((task) => have(byTask, task)),
          settling,
        ),
      );
      return new Set(results.filter((result) => isRecorded(docs.get(result.task.id), result)));
    },
  };
}

/** Changes the documents of `tasks`, one write each, and brings `docs` up to what is in the store now. */
async function changeDocs(
  session: Session,
  docs: Docs,
  tasks: readonly CopyTask[],
  change: Change,
): Promise<Outcome<DataDoc>[]> {
  const { store } = session.ports;
  const byId = groupBy(tasks, (task) => task.id);
  const outcomes = await store.bulk<DataDoc>(
    [...byId].map(([id, mine]) => {
      const base = docs.get(id);
      return {
        id,
        ...(base ? { base } : {}),
        change: (doc) => {
          const next = doc && change(doc, mine);
          return next ? { write: next } : { skip: 'none of its slots is ours to change' };
        },
      };
    }),
  );
  for (const { id, result, doc } of outcomes) {
    if (doc && (result === 'written' || result === 'already')) docs.set(id, doc);
    else docs.delete(id);
  }
  const unknown = outcomes.filter(({ id }) => !docs.has(id)).map(({ id }) => id);
  for (const [id, doc] of unknown.length > 0 ? await store.get<DataDoc>(unknown) : []) docs.set(id, doc);
  return outcomes;
}

function isRecorded(doc: DataDoc | undefined, result: Result): boolean {
  const { task } = result;
  const replica = doc?.files.find((file) => file.name === task.file.name)?.replicas[task.to];
  return replica?.state === (isMade(result) ? 'verified' : 'failed') && replica.attempt === task.attempt;
}
