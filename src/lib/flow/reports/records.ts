// One document or one job as a person wants to see it: what a REF names, its history, its output.

import type { Doc } from '../../domain/doc.ts';
import { dataId, jobId, jobPrefix, requestId, runId } from '../../domain/ids.ts';
import type { JobDoc } from '../../domain/jobs/job.ts';
import type { JobRef } from '../../domain/selection.ts';
import { idsWith, type ReadStore } from '../../store.ts';
import { ItemError } from '../../util/errors.ts';
import { refuseArchived } from '../jobs/archived/archived.ts';
import { firstPassNamed } from '../jobs/firstpass/firstpassdocs.ts';
import type { ReadPorts } from '../ports.ts';

/**
 * The documents that a REF names: a run with its data, the last pass of a module, a pass, or a document by its id.
 * @throws ItemError when there is none
 */
export async function documentsOf(ports: ReadPorts, ref: JobRef): Promise<Doc[]> {
  const docs = await find(ports, ref);
  if (docs.length > 0) return docs;
  if (ref.run !== undefined) await refuseArchived(ports.store, ref.run);
  const asRun = ref.run !== undefined && ref.module === undefined;
  const what = asRun ? `run ${ref.run} is not registered` : `'${ref.text}' is not in the store`;
  const jobs = ref.run === undefined ? 'dflow list jobs' : `dflow list jobs --run ${ref.run} --state all`;
  throw new ItemError(what, { hint: asRun ? 'dflow list runs' : jobs });
}

async function find(ports: ReadPorts, ref: JobRef): Promise<Doc[]> {
  const { store, settings } = ports;
  const job = firstPassNamed(ports, ref);
  if (job) return [...(await store.get([job.id])).values()];
  if (ref.id !== undefined) return [...(await store.get([ref.id])).values()];
  const run = ref.run ?? 0;
  if (ref.module === undefined) {
    const levels = settings.buffers.map((buffer) => dataId(buffer.level, run));
    return [...(await store.get([runId(run), ...levels])).values()];
  }
  if (ref.pass !== undefined) return [...(await store.get([jobId(run, ref.module, ref.pass)])).values()];
  return store.range({ ...idsWith(jobPrefix(run, ref.module)), descending: true, limit: 1 });
}

/** The id of the request that a word names; any other word as it is. */
export async function requestWord(store: ReadStore, word: string): Promise<string> {
  if (!/^[A-Za-z][\w.-]*$/.test(word)) return word;
  const id = requestId(word);
  return (await store.get([id])).has(id) ? id : word;
}

/** What people need not see: how the store keeps count. */
export function shownFields(doc: Doc): Readonly<Record<string, unknown>> {
  const { _rev, ops, ...rest } = doc;
  return rest;
}

/** The passes of a run, for its history. */
export async function passesOf(ports: ReadPorts, run: number): Promise<JobDoc[]> {
  return ports.store.range<JobDoc>(idsWith(jobPrefix(run)));
}
