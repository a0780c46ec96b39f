// Database outputs: tables that a job produced are loaded when it is completed, read back from storage. Loading the
// same again changes nothing, so whoever meets the record of a completed subjob does it, until the record is put away.

import { SCHEMA } from '../../../domain/doc.ts';
import { quarantineId, refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { Output } from '../../../domain/jobs/states.ts';
import { isTables } from '../../../domain/modules/modules.ts';
import type { TableItem } from '../../../domain/results/items.ts';
import type { QuarantineDoc } from '../../../domain/runs/run.ts';
import { BusyItemError, DflowError, ItemError, StoreError } from '../../../util/errors.ts';
import { wordsOf } from '../../../util/systemerrors.ts';
import type { Item, Ports } from '../../ports.ts';
import { loadTables } from '../load/load.ts';

/** A subjob that is completed, and the key whose record says so. */
export interface CompletedSubjob {
  readonly key: string;
  readonly job: JobDoc;
  readonly subjob: number;
  readonly outputs: readonly Output[];
}

/** Bytes of one file of tables at most. */
const LIMIT = 64 * 2 ** 20;

/** Loads what these subjobs produced. Answers the keys whose files could not be read now: their records must stay. */
export async function* loadOutputs(
  ports: Ports,
  completed: readonly CompletedSubjob[],
): AsyncGenerator<Item, Set<string>, void> {
  const unread = new Set<string>();
  for (const { key, job, subjob, outputs } of completed) {
    for (const output of outputs.filter(({ type, name }) => isTables(type, name))) {
      try {
        yield* loadOne(ports, job, output);
      } catch (error) {
        if (error instanceof StoreError) throw error;
        const text = wordsOf(error);
        if (isPassingError(error)) unread.add(key);
        // Whatever a job has left can only concern that job.
        else await setAside(ports, job, output, text);
        const ref = refOf(job.run, job.module, job.pass, subjob);
        yield {
          kind: 'table',
          ref,
          did: 'not-loaded',
          failed: true,
          text: `${output.name}: ${text}`,
          next: `dflow why ${ref}`,
        };
      }
    }
  }
  return unread;
}

/** True when the next monitor may well read it: nothing is said of the file. */
function isPassingError(error: unknown): boolean {
  return error instanceof BusyItemError || (error instanceof DflowError && !(error instanceof ItemError));
}

async function* loadOne(ports: Ports, job: JobDoc, output: Output): AsyncGenerator<Item, void, void> {
  // An output is loaded once, even if its table was replaced since.
  if (job.loaded?.[output.name]) return;
  // dflow may not write to the database: the file is an ordinary output.
  if (ports.ratdb && ports.settings.tables.writeBack === false) return;
  if (output.size > LIMIT) throw new ItemError(`${output.size} bytes are too much for a file of tables`);
  const storage = await ports.storage(output.storage);
  const text = await storage.read(output.path, 0, output.size);
  let refused: string | undefined;
  const revisions: string[] = [];
  const origin = `${job._id} ${output.name} ${output.size} ${output.adler32}`;
  for await (const item of loadTables(ports, [{ name: output.name, text }], { origin })) {
    if (item.kind === 'source') refused = item.text ?? 'the file does not parse';
    if (item.kind === 'table' && item.revision) revisions.push(revisionText(item));
    if (item.did !== 'unchanged') yield item;
  }
  if (refused !== undefined) await setAside(ports, job, output, refused);
  else await recordLoaded(ports, job, output.name, revisions);
}

/** Revisions kept of one output. */
const KEPT = 50;

/** `RUN 1.0-3f2a90c41d07`, `GAIN[pmt] 2-...`. */
function revisionText({ name, index, revision }: TableItem): string {
  return `${name}${index ? `[${index}]` : ''} ${revision}`;
}

async function recordLoaded({ store }: Ports, { _id }: JobDoc, name: string, revisions: readonly string[]) {
  const kept = revisions.slice(0, KEPT);
  const more = revisions.length > KEPT ? [`and ${revisions.length - KEPT} more`] : [];
  await store.update<JobDoc>(_id, (doc) => {
    if (!doc || doc.loaded?.[name]) return { skip: 'recorded' };
    return { write: { ...doc, loaded: { ...doc.loaded, [name]: [...kept, ...more] } } };
  });
}

/** What does not parse stands in the quarantine, where status and `why` see it; the job stays completed. */
async function setAside(ports: Ports, job: JobDoc, { name, size }: Output, detail: string): Promise<void> {
  const at = await ports.store.now();
  const doc: QuarantineDoc = {
    _id: quarantineId('ratdb', name),
    kind: 'quarantine',
    v: SCHEMA,
    level: 'ratdb',
    name,
    run: job.run,
    reason: 'bad-tables',
    detail,
    size,
    at,
  };
  await ports.store.update<QuarantineDoc>(doc._id, (old) => (old ? { skip: 'known' } : { write: doc }));
}
