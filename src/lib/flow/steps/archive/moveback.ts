// store unarchive: the documents of archived runs come back from their files. The mark goes last, so that nobody makes a
// pass of a run that is half back, and a call that was stopped goes on when it is repeated.
import { refOf } from '../../../domain/ids.ts';
import { type ArchivedDoc, archivedId } from '../../../domain/runs/archived.ts';
import { tookEffect } from '../../../store.ts';
import { counted } from '../../../util/text/counted.ts';
import type { Item, Ports, Step } from '../../ports.ts';
import { type ArchiveFile, batchesOf, type Filed, type MoveOptions } from './archivefile.ts';
import { putBack } from './putback.ts';

/** `marks`: of the runs that shall come back from this file. */
export async function* moveBack(
  ports: Pick<Ports, 'store'>,
  file: Pick<ArchiveFile, 'backup' | 'file' | 'sha256'>,
  marks: readonly ArchivedDoc[],
  { dryRun, renew = async () => undefined }: MoveOptions = {},
): Step {
  const wanted = new Set(marks.map(({ run }) => run));
  for await (const batch of batchesOf(file.backup)) {
    await renew();
    const mine = batch.filter(({ run }) => wanted.has(run));
    for (const { run } of mine) wanted.delete(run);
    if (dryRun) yield* mine.map((filed) => ({ ...itemOf(filed, file.file), dryRun: true }));
    else if (mine.length > 0) yield* backBatch(ports, file, mine);
  }
  for (const run of wanted) {
    const text = `${file.file} does not have the run`;
    yield { kind: 'run', ref: refOf(run), did: 'kept', run, failed: true, text, next: 'dflow store check' };
  }
}

function itemOf({ run, docs }: Filed, file: string): Item {
  const text = `${counted(docs.length, 'document')} of ${file}`;
  return { kind: 'run', ref: refOf(run), did: 'restored', run, documents: docs.length, file, text };
}

async function* backBatch(
  { store }: Pick<Ports, 'store'>,
  { file, sha256 }: Pick<ArchiveFile, 'file' | 'sha256'>,
  runs: readonly Filed[],
): Step {
  const outcomes = await store.bulk<ArchivedDoc>(
    runs.map(({ run }) => ({
      id: archivedId(run),
      change: (doc) => {
        if (doc?.sha256 !== sha256) return { skip: 'it is back, or in another file by now' };
        return doc.state === 'returning' ? { skip: BEGUN } : { write: { ...doc, state: 'returning' } };
      },
    })),
  );
  const mine = runs.filter((_, at) => {
    const outcome = outcomes[at];
    return outcome !== undefined && (tookEffect(outcome) || outcome.why === BEGUN);
  });
  for (const [at, { run }] of runs.entries()) {
    const text = outcomes[at]?.why ?? 'its mark is too busy';
    if (!mine.some((one) => one.run === run)) yield { kind: 'run', ref: refOf(run), did: 'skipped', run, text };
  }
  const failed = await putBack(store, mine);
  const back = mine.filter(({ run }) => !failed.has(run));
  await store.bulk<ArchivedDoc>(
    back.map(({ run }) => ({
      id: archivedId(run),
      change: (doc) => (doc?.sha256 === sha256 ? { remove: true } : { skip: 'another' }),
    })),
  );
  for (const filed of mine) {
    const why = failed.get(filed.run);
    const item = itemOf(filed, file);
    if (why === undefined) yield item;
    else yield keptItem(filed.run, why);
  }
}

function keptItem(run: number, text: string): Item {
  const next = `dflow history ${run}; the document of the store or that of the file must go: dflow store check`;
  return { kind: 'run', ref: refOf(run), did: 'kept', run, failed: true, text, next };
}

const BEGUN = 'begun';
