// store archive and store unarchive: the file with the documents of runs, which is whole and read back before a document
// leaves the store.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { SCHEMA } from '../../domain/doc.ts';
import { refOf } from '../../domain/ids.ts';
import { ARCHIVED, type ArchivedDoc, archivedNext, archivedText } from '../../domain/runs/archived.ts';
import type { RunSet } from '../../domain/selection.ts';
import { archivedOf } from '../../flow/jobs/archived/archived.ts';
import type { Item, Ports, Step } from '../../flow/ports.ts';
import { type ArchiveFile, alone, batchesOf } from '../../flow/steps/archive/archivefile.ts';
import {
  type ArchivePlan,
  archiveEntries,
  planArchive,
  unfinishedMoves,
} from '../../flow/steps/archive/archiveplan.ts';
import { backupLines, readBackup } from '../../flow/steps/archive/backuplines.ts';
import { moveBack } from '../../flow/steps/archive/moveback.ts';
import { moveOut } from '../../flow/steps/archive/moveout.ts';
import { idsOfRuns, type ReadStore } from '../../store.ts';
import { DflowError, UsageError } from '../../util/errors.ts';
import { humanBytes } from '../../util/text/bytes.ts';
import { counted } from '../../util/text/counted.ts';
import { shellWord } from '../../util/text/shell.ts';
import { given } from '../../util/values/given.ts';
import { groupBy } from '../../util/values/group.ts';
import { inputLines } from '../arguments/input.ts';
import type { OpenPorts } from '../ports.ts';
import { made, type Target, targetOf, writeLines } from './target.ts';

const EXTENSION = '.archive.jsonl';

/** What is asked, and what is done then. */
export interface Archiving {
  /** Absent: nothing would leave. */
  readonly question?: string;
  run(dryRun: boolean): Step;
}

/** Ports whose store hands out every document, also those that cannot be read. */
const withEverything = (ports: OpenPorts): Ports => ({ ...ports, store: ports.everything });

/** `before` is absent only where `to` is a file of an earlier call, whose move is ended. */
export async function planArchiving(open: OpenPorts, to: string, before: string | undefined): Promise<Archiving> {
  const ports = withEverything(open);
  const path = resolve(to);
  const begun = (await unfinishedMoves(ports)).filter(({ file }) => file !== path);
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) {
    const file = await readArchive(ports, path);
    const question = `Documents of runs in ${path} leave the store. Go on?`;
    return { question, run: (dryRun) => moving(ports, begun, dryRun, (options) => moveOut(ports, file, options)) };
  }
  if (before === undefined) {
    throw new UsageError('--before DATE is required: runs of which nothing has changed since then leave the store', {
      where: path,
      hint: `dflow store archive --before 2025-01-01 ${shellWord(to)} --dry-run`,
    });
  }
  const now = await ports.store.now();
  if (before > now)
    throw new UsageError(`--before: ${before} is in the future`, { hint: `--before ${now.slice(0, 10)}` });
  const target = await targetOf(ports.settings, to, { at: now, extension: EXTENSION, command: 'store archive' });
  const plan = await planArchive(ports, before);
  const what = `${counted(plan.documents, 'document')} of ${counted(plan.runs.size, 'run')}`;
  return {
    ...(plan.runs.size > 0 && { question: `${what} leave the store for the file ${target.path}. Go on?` }),
    run: (dryRun) =>
      moving(ports, begun, dryRun, (options) => intoNew(ports, target, { at: now, before, plan }, options)),
  };
}

interface Options {
  readonly dryRun: boolean;
  readonly renew?: () => Promise<void>;
}

/** Moves that were stopped are ended first. */
async function* moving(
  ports: Ports,
  begun: readonly ArchivedDoc[],
  dryRun: boolean,
  work: (options: Options) => Step,
): Step {
  if (dryRun) {
    for (const mark of begun) yield unfinished(mark);
    yield* work({ dryRun });
    return;
  }
  yield* alone(ports, async function* (renew) {
    for (const [path, marks] of groupBy(begun, ({ file }) => file)) {
      const mine = marks.filter(({ state, host }) => state === 'leaving' && host === ports.host);
      const file = mine.length > 0 ? await readArchive(ports, path).catch(asError) : undefined;
      if (file && !(file instanceof DflowError)) yield* moveOut(ports, file, { renew });
      else for (const mark of marks) yield unfinished(mark);
    }
    yield* work({ dryRun, renew });
  });
}

function asError(error: unknown): DflowError {
  if (error instanceof DflowError) return error;
  throw error;
}

function unfinished(mark: ArchivedDoc): Item {
  const [ref, text] = [refOf(mark.run), `is ${archivedText(mark)}, which was stopped or is under way`];
  const next = `on ${mark.host}: ${archivedNext(mark)}`;
  return { kind: 'run', ref, did: 'skipped', run: mark.run, failed: true, text, next };
}

/** Writes the file, reads it back, and moves what it has. */
async function* intoNew(
  ports: Ports,
  target: Target,
  { at, before, plan }: { readonly at: string; readonly before: string; readonly plan: ArchivePlan },
  { dryRun, ...options }: Options,
): Step {
  yield* plan.items.filter(({ did }) => did !== 'archived' || dryRun);
  const { runs, documents, recent } = plan;
  const item: Item = { kind: 'backup', ref: target.path, did: 'archived', documents };
  const young = recent > 0 ? `; ${counted(recent, 'run')} changed since ${before}` : '';
  const text = `${counted(runs.size, 'run')}, ${counted(documents, 'document')}${young}`;
  if (runs.size === 0) return yield { ...item, did: 'unchanged', text: `no run may leave the store${young}` };
  if (dryRun) return yield { ...item, text, dryRun };
  const info = await ports.store.info();
  const head = {
    ...({ dflow: 'archive', format: 1, experiment: info.experiment ?? ports.settings.experiment } as const),
    ...given({ uuid: info.uuid }),
    ...{ schema: info.schema ?? SCHEMA, at },
  };
  const bytes = await made(target, async (part) => {
    await writeLines(part, backupLines(head, archiveEntries(ports, before, runs)));
    await readBackup(part, () => inputLines(part), 'archive');
  });
  const file = await readArchive(ports, target.path);
  const whole = file.backup.documents;
  yield { ...item, documents: whole, bytes, text: `${text}, ${humanBytes(bytes)}, read back` };
  yield* moveOut(ports, file, options);
}

/** @throws UsageError it is not a whole archive, or one of another store */
async function readArchive(ports: Ports, path: string): Promise<ArchiveFile> {
  const backup = await readBackup(path, () => inputLines(path), 'archive');
  const { head, digest: sha256 } = backup;
  const { uuid, experiment } = await ports.store.info();
  if (head.experiment !== (experiment ?? ports.settings.experiment) || (uuid !== undefined && head.uuid !== uuid)) {
    const whose = head.uuid === uuid ? `the experiment '${head.experiment}'` : 'another store';
    throw new UsageError(`this archive belongs to ${whose}`, {
      where: path,
      hint: 'to add its documents all the same: dflow store import FILE',
    });
  }
  return { file: path, host: ports.host, sha256, at: head.at, by: ports.by, backup };
}

/** Brings runs back: those of `set`, or those of the archives `files`. `from`: where the file is by now. */
export async function* unarchive(
  open: OpenPorts,
  asked: { readonly set?: RunSet; readonly files: readonly string[]; readonly from?: string },
  dryRun: boolean,
): Step {
  const ports = withEverything(open);
  const work = (options: Options) => backFrom(ports, asked, options);
  if (dryRun) yield* work({ dryRun });
  else yield* alone(ports, (renew) => work({ dryRun, renew }));
}

async function* backFrom(
  ports: Ports,
  { set, files, from }: { readonly set?: RunSet; readonly files: readonly string[]; readonly from?: string },
  options: Options,
): Step {
  for (const path of files.map((name) => resolve(name))) {
    const file = await readArchive(ports, path);
    const runs: number[] = [];
    for await (const batch of batchesOf(file.backup)) runs.push(...batch.map(({ run }) => run));
    const marks = [...(await archivedOf(ports.store, runs)).values()].filter(({ sha256 }) => sha256 === file.sha256);
    yield* moveBack(ports, file, marks, options);
  }
  if (!set) return;
  const { marks, unknown } = await marksOf(ports.store, set);
  yield* unknown;
  for (const [name, some] of groupBy(marks, ({ file }) => file)) {
    const file = await readArchive(ports, resolve(from ?? name)).catch(asError);
    if (file instanceof DflowError) {
      for (const mark of some) yield notRead(mark, file);
      continue;
    }
    for (const mark of some.filter(({ sha256 }) => sha256 !== file.sha256)) yield notRead(mark, undefined);
    yield* moveBack(
      ports,
      file,
      some.filter(({ sha256 }) => sha256 === file.sha256),
      options,
    );
  }
}

function notRead({ run, file, host }: ArchivedDoc, error: DflowError | undefined): Item {
  const why = error?.message ?? 'another archive has this name by now';
  const text = `its file ${file} (${host}): ${why}`;
  const next = `find the file, then: dflow store unarchive ${run} --file FILE`;
  return { kind: 'run', ref: refOf(run), did: 'kept', run, failed: true, text, next };
}

async function marksOf(store: ReadStore, { ranges, listed = [] }: RunSet) {
  const marks = await store.ranges<ArchivedDoc>(ranges.map((span) => idsOfRuns(ARCHIVED, span)));
  const found = new Set(marks.map(({ run }) => run));
  const unknown = listed
    .filter((run) => !found.has(run))
    .map((run): Item => {
      const next = `dflow show ${run}`;
      return { kind: 'run', ref: refOf(run), did: 'unknown', run, failed: true, text: 'the run is not archived', next };
    });
  return { marks, unknown };
}
