// A file with documents of runs as archive and unarchive take it: run by run, and one call at a time.
import type { Archive } from '../../../domain/runs/archived.ts';
import { BusyError, UsageError } from '../../../util/errors.ts';
import { takeLease } from '../../farms/lease.ts';
import type { Ports, Step, StepOptions } from '../../ports.ts';
import type { PlainDoc } from './archive.ts';
import type { Backup } from './backuplines.ts';

/** Documents moved together. */
const BATCH = 1000;

/** A run as the file has it. */
export interface Filed {
  readonly run: number;
  readonly docs: readonly PlainDoc[];
}

/** A file with documents of runs, read back and whole. */
export interface ArchiveFile extends Archive {
  readonly backup: Backup;
}

export interface MoveOptions extends StepOptions {
  /** Called before each batch. @throws BusyError another call has the turn by now */
  readonly renew?: () => Promise<void>;
}

/**
 * One archive or unarchive of a store at a time: what one takes out, the other would bring back.
 * @throws BusyError another one runs
 */
export async function* alone(ports: Ports, work: (renew: () => Promise<void>) => Step): Step {
  const lease = await takeLease(ports, 'archive', 'the store');
  const renew = async (): Promise<void> => {
    if (!(await lease.renew()))
      throw new BusyError('another archive took over, or this one shall end; repeat the command');
  };
  try {
    yield* work(renew);
  } finally {
    await lease.release();
  }
}

/** Runs of a file, whole, about `BATCH` documents together. */
export async function* batchesOf(backup: Backup): AsyncGenerator<readonly Filed[], void, void> {
  let batch: { run: number; docs: PlainDoc[] }[] = [];
  let documents = 0;
  for await (const doc of backup.docs()) {
    const run = runOf(doc);
    const last = batch.at(-1);
    if (last?.run === run) last.docs.push(doc);
    else {
      if (documents >= BATCH) {
        yield batch;
        [batch, documents] = [[], 0];
      }
      batch.push({ run, docs: [doc] });
    }
    documents++;
  }
  if (batch.length > 0) yield batch;
}

function runOf(doc: PlainDoc): number {
  if ('run' in doc && typeof doc.run === 'number') return doc.run;
  throw new UsageError(`an archive holds documents of runs, and ${doc._id} is not one`);
}
