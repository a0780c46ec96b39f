// Runs that ended long ago: all of their documents, as a store has them when nothing is left to do.
import type { DataDoc } from '../../src/lib/domain/data/data.ts';
import type { Doc } from '../../src/lib/domain/doc.ts';
import { runId } from '../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import type { RunDoc } from '../../src/lib/domain/runs/run.ts';
import { type BackupHead, backupLines } from '../../src/lib/flow/steps/archive/backuplines.ts';
import { dataDoc, type JobWish, job, module, rawFile, T0 } from './docs.ts';

export function runDoc(run: number, more: Partial<RunDoc> = {}): RunDoc {
  const complete = { at: T0, subruns: [0, 1], evidence: 'a later run' };
  return {
    _id: runId(run),
    kind: 'run',
    v: 1,
    run,
    mask: 4,
    levels: { L1: { complete, lastFile: T0, late: [], files: 2 } },
    automatic: { '1.0': { at: T0, modules: ['Count', 'Sum'] } },
    firstSeen: T0,
    history: [{ at: T0, to: 'seen', by: 'register@buffer1' }],
    ...more,
  };
}

export function storedData(run: number, storages: readonly string[] = ['disk']): DataDoc {
  const purged = { state: 'purged', since: T0, receipt: 'purge-1.jsonl' } as const;
  const files = [0, 1].map((subrun) => ({ ...rawFile(run, subrun, storages), original: purged }));
  return { ...dataDoc(run, files), history: [{ at: T0, to: '2 files registered', by: 'register@buffer1' }] };
}

export function outputPath(run: number, name: string, subjob: number): string {
  return `outputs/${name}/${String(run).padStart(10, '0')}/p001/x${subjob}/${name}_${run}_${subjob}.txt`;
}

/** A pass with one verified output of each subjob. */
function completedPass(run: number, name = 'Count', wish: JobWish = {}): JobDoc {
  const made = job({ run, module: module(name), ...wish });
  const subjobs = made.subjobs.map((subjob) => {
    const path = outputPath(run, name, subjob.index);
    const file = { type: 'out', name: `${name}_${run}_${subjob.index}.txt`, storage: 'disk', path };
    const output = { ...file, size: 3, adler32: '00000001', guid: 'g', lfn: `/x/${path}` };
    const lock = { site: 'here', epoch: 1, claim: 'n1', index: subjob.index };
    const state = {
      name: 'completed',
      since: T0,
      lock,
      execution: `x${subjob.index}`,
      outputs: [output],
      usage: {},
    } as const;
    return { ...subjob, attempt: 1, state };
  });
  return { ...made, subjobs, state: 'completed' };
}

/** A run, its data and two passes. */
export function endedRun(run: number, wish: JobWish = {}): [RunDoc, DataDoc, JobDoc, JobDoc] {
  const first = completedPass(run, 'Count', wish);
  const sum = module('Sum', { needs: ['Count'], level: 'run' });
  return [runDoc(run), storedData(run), first, completedPass(run, 'Sum', { ...wish, module: sum, needs: [first] })];
}

/** A file with these documents, as store archive writes it. */
export async function archiveText(head: BackupHead, docs: readonly Doc[]): Promise<string> {
  async function* entries(): AsyncGenerator<Doc> {
    yield* docs;
  }
  let text = '';
  for await (const line of backupLines(head, entries())) text += line;
  return text;
}

export const ids = (docs: Iterable<Doc>): string[] => [...docs].map(({ _id }) => _id).sort();
