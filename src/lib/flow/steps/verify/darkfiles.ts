// Files at a storage element that nobody catalogued. Storage is listed first and the catalogue read after it: a file
// that was catalogued in between is known by then.

import type { DataDoc, Replica } from '../../../domain/data/data.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { ARCHIVED, type ArchivedDoc, markOfPath, marksAt } from '../../../domain/runs/archived.ts';
import { type Classify, classifier, type Dark } from '../../../domain/storage/dark.ts';
import { idsWith, pages } from '../../../store.ts';
import { ItemError } from '../../../util/errors.ts';
import { shown } from '../../../util/text/names.ts';
import { have } from '../../../util/values/have.ts';
import { probeSize, removeProbes } from '../../copies/apart.ts';
import type { Item, Ports, Step } from '../../ports.ts';
import type { VerifySession } from './verifysession.ts';

interface Found {
  readonly path: string;
  readonly size: number;
  readonly dark: Dark;
}

/** Documents read at a time. */
const PAGE = 500;

/** Names the files of ours at `storage` that no document knows. */
export async function* darkFiles(session: VerifySession, storage: string): Step {
  const { settings } = session.ports;
  const elements = new Map(settings.storages.map((element) => [element.name, element]));
  const levels = settings.buffers.map(({ level }) => level);
  const classify = classifier(have(elements, storage).template, levels);
  const found = await listed(session, storage, classify);
  if (found instanceof ItemError) {
    yield unlistable(storage, found);
    return;
  }
  if (!found) return;
  for (const why of found.unread) yield unlistable(storage, why);
  if (found.ours.length === 0) return;
  const known = await knownPaths(session.ports, storage);
  const probes = found.ours.filter(isProbe);
  yield* session.options.repair
    ? clearProbes(session, storage, probes)
    : probes.map((file) => probeItem(storage, file));
  for (const file of found.ours) {
    if (isProbe(file) || known.has(file.path) || known.live(file.path)) continue;
    const former = known.former(file.path);
    yield former === undefined ? itemOf(storage, file) : formerItem(storage, file, former);
  }
}

/** Files of ours there; `undefined`: it cannot be reached; the error: it cannot be listed, which is no word on its copies. */
async function listed(
  { sites }: VerifySession,
  storage: string,
  classify: Classify,
): Promise<{ ours: Found[]; unread: ItemError[] } | ItemError | undefined> {
  try {
    return await sites.attempt(storage, async (element) => {
      const ours: Found[] = [];
      const unread: ItemError[] = [];
      for await (const { path, size } of element.list('', (_path, why) => unread.push(why))) {
        const is = classify(path);
        const dark: Dark | undefined = is?.is === 'probe' && size > probeSize(path) ? { is: 'dark' } : is;
        if (dark) ours.push({ path, size, dark });
      }
      return { ours, unread };
    });
  } catch (error) {
    if (error instanceof ItemError) return error;
    throw error;
  }
}

function unlistable(storage: string, error: ItemError): Item {
  const text = shown(`cannot be listed, so files outside the catalogue are not found: ${error.message}`);
  return { kind: 'storage', ref: storage, storage, did: 'unlisted', failed: true, text, next: `dflow why ${storage}` };
}

/** Every path at `storage` that a document names, and the attempts that are under way. */
async function knownPaths(ports: Ports, storage: string) {
  const paths = new Set<string>();
  const nonces = new Set<string>();
  /** Paths at elements that the configuration does not have (any more): this one may be such a one, renamed. */
  const formers = new Map<string, string>();
  /** The same two, of archived runs: marks of their paths. */
  const archived = new Set<string>();
  const formerMarks = new Map<string, string>();
  const isFormer = (name: string): boolean => ports.settings.storages.every((one) => one.name !== name);
  for await (const doc of everything<DataDoc>(ports, 'data:')) {
    for (const { replicas } of doc.files) {
      note(replicas[storage]);
      for (const [name, replica] of Object.entries(replicas))
        if (isFormer(name) && 'path' in replica) formers.set(replica.path, name);
    }
  }
  for await (const job of everything<JobDoc>(ports, 'job:')) {
    for (const { state } of job.subjobs) {
      if (state.name !== 'completed') continue;
      for (const output of state.outputs) {
        if (output.storage === storage) paths.add(output.path);
        else if (isFormer(output.storage)) formers.set(output.path, output.storage);
      }
    }
  }
  for await (const doc of everything<ArchivedDoc>(ports, ARCHIVED)) {
    for (const mark of marksAt(doc, storage)) archived.add(mark);
    for (const name of Object.keys(doc.places))
      if (isFormer(name)) for (const mark of marksAt(doc, name)) formerMarks.set(mark, name);
  }
  function note(replica: Replica | undefined): void {
    if (replica === undefined) return;
    if ('path' in replica) paths.add(replica.path);
    if (replica.state !== 'copying') return;
    nonces.add(`${replica.attempt}-${replica.nonce}`);
    if (replica.repair) paths.add(replica.repair.path);
  }
  const live = (path: string): boolean => nonces.has(path.slice(path.lastIndexOf('.dflow-') + '.dflow-'.length));
  return {
    has: (path: string) => paths.has(path) || archived.has(markOfPath(path)),
    former: (path: string) => formers.get(path) ?? formerMarks.get(markOfPath(path)),
    live,
  };
}

async function* everything<D extends DataDoc | JobDoc | ArchivedDoc>(
  ports: Ports,
  prefix: string,
): AsyncGenerator<D, void, void> {
  for await (const page of pages<D>(ports.store, idsWith(prefix), PAGE)) yield* page;
}

const isProbe = ({ dark }: Found): boolean => dark.is === 'probe';

/** Removes probes: a call that still waits for one takes its loss for "unknown", so that none is needed by anybody. */
async function* clearProbes({ sites, options }: VerifySession, storage: string, probes: readonly Found[]): Step {
  if (options.dryRun || probes.length === 0) {
    yield* probes.map((file) => probeItem(storage, file, options.dryRun ? 'would be removed' : undefined));
    return;
  }
  const removed = await sites.attempt(storage, async (element) => {
    await removeProbes(
      element,
      probes.map(({ path }) => path),
    );
    return true;
  });
  yield* probes.map((file) => probeItem(storage, file, removed ? 'removed' : undefined));
}

function probeItem(storage: string, file: Found, became?: 'removed' | 'would be removed'): Item {
  const item = itemOf(storage, file);
  if (became) return { ...item, text: `${WORDS.probe}, ${became}` };
  return { ...item, text: WORDS.probe, next: `dflow verify --repair --storage ${storage}` };
}

const WORDS: Readonly<Record<Dark['is'], string>> = {
  partial: 'left by a killed copy; the next attempt at this file removes it',
  leaving: 'left by an interrupted deletion; the next dflow delete, or dflow transfer with outputs rules, settles it',
  probe: 'probe file of a killed command',
  unpublished: 'output of an execution that is not the published one',
  dark: 'not in the catalogue',
};

function formerItem(storage: string, { path, size }: Found, former: string): Item {
  const text = `catalogued at ${former}, which the configuration does not have; is ${storage} its new name?`;
  const item: Item = { kind: 'file', ref: `${storage}:${shown(path)}`, storage, path, bytes: size, did: 'former' };
  return { ...item, failed: true, text, next: `name the storage element ${former} again in dflow.yaml` };
}

function itemOf(storage: string, { path, size, dark }: Found): Item {
  const item: Item = { kind: 'file', ref: `${storage}:${shown(path)}`, storage, path, bytes: size, did: dark.is };
  if (dark.is === 'unpublished') return { ...item, job: dark.job, text: WORDS.unpublished };
  if (dark.is !== 'dark') return { ...item, text: WORDS[dark.is] };
  return {
    ...item,
    failed: true,
    text: WORDS.dark,
    next: 'find the owner of the file; to see the catalogue: dflow list replicas',
  };
}
