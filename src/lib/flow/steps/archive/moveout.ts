// store archive: documents of runs leave the store, once a file that was read back has them. The mark of a run is written
// first, and names the file: from then on nobody makes a pass of the run, and a move that was stopped is seen and ended.
// A document leaves only as the file has it. Where anything of the run has changed, the whole run is put back.
import { asA, type Doc } from '../../../domain/doc.ts';
import { JOB, refOf } from '../../../domain/ids.ts';
import { current } from '../../../domain/migrations/migrations.ts';
import {
  type ArchivedDoc,
  archivedDoc,
  archivedId,
  archivedNext,
  archivedText,
} from '../../../domain/runs/archived.ts';
import { type EndRules, keptBy, wholeRun } from '../../../domain/runs/longended.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import { spansOfRuns, tookEffect } from '../../../store.ts';
import type { Receipt } from '../../../util/files/receipt.ts';
import { counted } from '../../../util/text/counted.ts';
import { archivedOf } from '../../jobs/archived/archived.ts';
import type { Item, Ports, Step } from '../../ports.ts';
import { digest, plain } from './archive.ts';
import { type ArchiveFile, batchesOf, type Filed, type MoveOptions } from './archivefile.ts';
import { putBack } from './putback.ts';
import { endRules, requested } from './wholeruns.ts';

/**
 * Moves the runs of the file out of the store: those that may leave, and those whose move was begun. Items: `{kind: 'run',
 * did: 'archived'|'kept'|'skipped'}`. Repeated, it goes on.
 */
export async function* moveOut(
  ports: Ports,
  file: ArchiveFile,
  { dryRun, renew = async () => undefined }: MoveOptions = {},
): Step {
  const { settings, store, receipts, nonce } = ports;
  const rules = await endRules(ports, file.at);
  const receipt = receipts.make(settings.folder, 'archive', await store.now(), nonce());
  try {
    for await (const batch of batchesOf(file.backup)) {
      await renew();
      if (dryRun) yield* foretell(await chosen(ports, file, rules, batch));
      else yield* moveBatch(ports, file, rules, batch, receipt);
    }
  } finally {
    await receipt.close();
  }
}

interface Chosen {
  readonly leaving: readonly Filed[];
  readonly items: readonly Item[];
}

/** What of a batch leaves: not what is archived already, and what was not begun only where nothing keeps it now. */
async function chosen(ports: Ports, file: ArchiveFile, rules: EndRules, batch: readonly Filed[]): Promise<Chosen> {
  const marks = await archivedOf(
    ports.store,
    batch.map(({ run }) => run),
  );
  const leaving: Filed[] = [];
  const items: Item[] = [];
  for (const filed of batch) {
    const item: Item = { kind: 'run', ref: refOf(filed.run), did: 'skipped', run: filed.run, file: file.file };
    const mark = marks.get(filed.run);
    const mine = mark?.state === 'leaving' && mark.sha256 === file.sha256;
    const kept = mark ? undefined : keptNow(filed, rules);
    if (mark && !mine) items.push({ ...item, text: `is ${archivedText(mark)} already`, ...nextOf(mark) });
    else if (kept) items.push({ ...item, did: 'kept', gate: kept.gate, text: kept.text, next: kept.next });
    else leaving.push(filed);
  }
  return { leaving, items };
}

const nextOf = (mark: ArchivedDoc) => (mark.state === 'archived' ? {} : { next: archivedNext(mark) });

function keptNow({ docs }: Filed, rules: EndRules) {
  const all = docs.map((doc) => current(doc as Doc));
  const run = all.flatMap((doc) => asA<RunDoc>(doc, 'run') ?? [])[0];
  if (!run) return { gate: 'unreadable', text: 'the file does not have the run itself', next: 'use another file' };
  return keptBy(wholeRun(run, all, []), rules);
}

function* foretell({ leaving, items }: Chosen): Generator<Item> {
  yield* items;
  for (const { run, docs } of leaving) {
    yield { kind: 'run', ref: refOf(run), did: 'archived', run, documents: docs.length, dryRun: true };
  }
}

async function* moveBatch(
  ports: Ports,
  file: ArchiveFile,
  rules: EndRules,
  batch: readonly Filed[],
  receipt: Receipt,
): Step {
  const { leaving, items } = await chosen(ports, file, rules, batch);
  yield* items;
  if (leaving.length === 0) return;
  const { marked, refused } = await mark(ports, file, leaving);
  yield* refused;
  await receipt.write(
    marked.map(({ run, docs }) => ({
      ...{ kind: 'archive', run, ids: docs.map(({ _id }) => _id) },
      ...{ file: file.file, host: file.host, sha256: file.sha256, by: ports.by },
    })),
  );
  const changed = await remove(ports, marked);
  for (const [run, why] of await reappeared(ports, marked)) if (!changed.has(run)) changed.set(run, why);
  yield* await putBackAll(ports, file, marked, changed);
  const left = marked.filter(({ run }) => !changed.has(run));
  const unmarked = await settle(ports, file, left);
  yield* await putBackAll(ports, file, left, unmarked);
  for (const { run, docs } of left.filter((filed) => !unmarked.has(filed.run))) {
    const text = `${counted(docs.length, 'document')} in ${file.file}`;
    const item: Item = { kind: 'run', ref: refOf(run), did: 'archived', run, documents: docs.length, text };
    yield { ...item, file: file.file };
  }
}

/** Writes the marks; a run that another call has marked is left to it. */
async function mark(ports: Ports, file: ArchiveFile, leaving: readonly Filed[]) {
  const { file: path, host, sha256, at, by } = file;
  const outcomes = await ports.store.bulk<ArchivedDoc>(
    leaving.map(({ run, docs }) => {
      const doc = archivedDoc(
        run,
        docs.map((one) => current(one as Doc)),
        { file: path, host, sha256, at, by },
      );
      return {
        id: doc._id,
        change: (there) => {
          if (!there) return { write: doc };
          return { skip: there.state === 'leaving' && there.sha256 === sha256 ? BEGUN : `is ${archivedText(there)}` };
        },
      };
    }),
  );
  const mine = outcomes.map((outcome) => tookEffect(outcome) || outcome.why === BEGUN);
  const refused = leaving.flatMap(({ run }, at): Item[] => {
    if (mine[at]) return [];
    return [{ kind: 'run', ref: refOf(run), did: 'skipped', run, text: outcomes[at]?.why ?? 'its mark is too busy' }];
  });
  return { marked: leaving.filter((_, at) => mine[at]), refused };
}

const BEGUN = 'begun';
const GONE = 'gone';

/** Removes each document that is as the file has it. Answers the runs of which one is not, and why. */
async function remove(ports: Ports, marked: readonly Filed[]): Promise<Map<number, string>> {
  const all = marked.flatMap(({ run, docs }) => docs.map((doc) => ({ run, id: doc._id, wanted: digest(doc) })));
  const outcomes = await ports.store.bulk(
    all.map(({ id, wanted }) => ({
      id,
      change: (doc) => {
        if (!doc) return { skip: GONE };
        return digest(plain(current(doc))) === wanted || digest(plain(doc)) === wanted
          ? { remove: true }
          : { skip: `${id} has changed meanwhile` };
      },
    })),
  );
  const changed = new Map<number, string>();
  for (const [at, { id, result, why }] of outcomes.entries()) {
    const run = all[at]?.run;
    if (run === undefined || result === 'written' || result === 'already' || why === GONE) continue;
    changed.set(run, why ?? `${id} is ${result === 'frozen' ? 'in conflict' : 'too busy'}`);
  }
  return changed;
}

/** What others wrote of these runs before they saw the mark: passes, requests, the run itself. */
async function reappeared({ store }: Ports, marked: readonly Filed[]): Promise<Map<number, string>> {
  const runs = marked.map(({ run }) => run);
  const ids = marked.flatMap(({ docs }) => docs.map(({ _id }) => _id).filter((id) => !id.startsWith(JOB)));
  type OfRun = Doc & { readonly run: number };
  const [jobs, others] = [await store.ranges<OfRun>(spansOfRuns(JOB, runs)), await store.get<OfRun>(ids)];
  const found = new Map([...jobs, ...others.values()].map((doc) => [doc.run, `${doc._id} was written meanwhile`]));
  const named = await requested(store);
  for (const run of runs) {
    const request = named.get(run);
    if (request) found.set(run, request.text);
  }
  return found;
}

/** The runs that cannot leave get their documents back, and then lose their mark. */
async function putBackAll(
  ports: Ports,
  file: ArchiveFile,
  marked: readonly Filed[],
  changed: ReadonlyMap<number, string>,
): Promise<Item[]> {
  const back = marked.filter(({ run }) => changed.has(run));
  const failed = await putBack(ports.store, back);
  const free = back.filter(({ run }) => !failed.has(run));
  await ports.store.bulk<ArchivedDoc>(
    free.map(({ run }) => ({
      id: archivedId(run),
      change: (doc) => (doc?.sha256 === file.sha256 ? { remove: true } : { skip: 'another' }),
    })),
  );
  return back.map(({ run }): Item => {
    const why = failed.get(run);
    const item: Item = { kind: 'run', ref: refOf(run), did: 'kept', run, failed: true, text: `${changed.get(run)}` };
    if (why === undefined) return { ...item, text: `${item.text}; it stays in the store`, next: `dflow why ${run}` };
    return { ...item, text: `${item.text}; not all is back: ${why}`, next: `dflow store unarchive ${run}` };
  });
}

/** Says that the runs have left. Answers those whose mark is gone: another call brought them back meanwhile. */
async function settle({ store }: Ports, { sha256 }: ArchiveFile, left: readonly Filed[]) {
  const outcomes = await store.bulk<ArchivedDoc>(
    left.map(({ run }) => ({
      id: archivedId(run),
      change: (doc) => {
        if (doc?.sha256 !== sha256 || doc.state === 'returning') return { skip: 'another call brought it back' };
        return doc.state === 'archived' ? { skip: BEGUN } : { write: { ...doc, state: 'archived' } };
      },
    })),
  );
  const unmarked = new Map<number, string>();
  for (const [at, outcome] of outcomes.entries()) {
    const run = left[at]?.run;
    if (run !== undefined && !tookEffect(outcome) && outcome.why !== BEGUN) unmarked.set(run, outcome.why ?? 'no mark');
  }
  return unmarked;
}
