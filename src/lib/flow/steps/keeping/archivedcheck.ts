// What store check says of archived runs: a move that was stopped, a file that is gone, documents that are in the store as
// well.
import { type Doc, isA } from '../../../domain/doc.ts';
import { JOB, runId } from '../../../domain/ids.ts';
import { type ArchivedDoc, archivedNext, archivedText } from '../../../domain/runs/archived.ts';
import { type ReadStore, spansOfRuns } from '../../../store.ts';
import { groupBy } from '../../../util/values/group.ts';
import type { Item, Step } from '../../ports.ts';

/** True where the file exists, or is on a host that cannot be asked here. */
export type IsThere = (archive: Pick<ArchivedDoc, 'host' | 'file'>) => Promise<boolean>;

export async function* archivedFindings(store: ReadStore, docs: readonly Doc[], isThere: IsThere | undefined): Step {
  const marks = docs.filter((doc) => isA<ArchivedDoc>(doc, 'archived'));
  if (marks.length === 0) return;
  const gone = new Set<string>();
  for (const [file, some] of groupBy(marks, ({ file, host }) => `${host}:${file}`)) {
    if (some[0] && isThere && !(await isThere(some[0]))) gone.add(file);
  }
  const runs = marks.map(({ run }) => run);
  const inStore = new Set<string>((await store.get(runs.map(runId))).keys());
  for (const { run } of await store.ranges<Doc & { readonly run: number }>(spansOfRuns(JOB, runs)))
    inStore.add(runId(run));
  for (const mark of marks) {
    const { _id: ref, run, host, file } = mark;
    const finding = (did: 'abandoned' | 'dangling' | 'impossible', text: string, next: string): Item => {
      return { kind: 'document', ref, did, failed: true, text: `run ${run} ${text}`, next };
    };
    if (mark.state !== 'archived') yield finding('abandoned', `is ${archivedText(mark)}`, archivedNext(mark));
    else if (inStore.has(runId(run)))
      yield finding('impossible', 'is archived, and has documents in the store as well', archivedNext(mark));
    if (!gone.has(`${host}:${file}`)) continue;
    const next = `find the file, then: dflow store unarchive ${run} --file FILE`;
    yield finding('dangling', `is archived in ${file}, which does not exist on ${host}`, next);
  }
}
