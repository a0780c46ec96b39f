// The deletion of originals whose copies were found good: what the receipt says of each, a last look at them, and the
// common way by which files go. Nothing is recorded in the store here.

import type { DataDoc, Original, RawFile } from '../../../domain/data/data.ts';
import type { Copy } from '../../../domain/data/purgerules.ts';
import { bufferSite } from '../../../domain/data/replicas.ts';
import type { Stat } from '../../../storage.ts';
import { groupBy } from '../../../util/values/group.ts';
import { have, nth } from '../../../util/values/have.ts';
import type { Going, Kept } from '../../copies/removal/removal.ts';
import type { Check } from './proof.ts';
import type { PurgeSession } from './purgesession.ts';

export interface Candidate {
  readonly doc: DataDoc;
  readonly file: RawFile;
  readonly rule: 'copies' | 'sampled-out';
  readonly copies: readonly Copy[];
}

/** How one file ended. `gone`: it had to go and has. */
export type Outcome =
  | { readonly candidate: Candidate; readonly gone: true }
  | {
      readonly candidate: Candidate;
      readonly gone: false;
      readonly why: string;
      readonly next?: string;
      /** What its original is to be now; `present` without it. */
      readonly back?: Original;
      /** It waits under another name, and its claim stays: the next purge gives it its name again. */
      readonly aside?: string;
    };

export interface Ready {
  readonly candidate: Candidate;
  readonly checks: readonly Check[];
  readonly going: Going;
  /** The builder's word that the file is finished: goes after it. */
  readonly markers: readonly Going[];
}

export function readyOf({ ports }: PurgeSession, candidate: Candidate, checks: readonly Check[]): Ready {
  const { doc, file, rule } = candidate;
  const { name, path, size, adler32, guid, lfn, modified } = file;
  const { by, host } = ports;
  const line = { kind: 'purge', id: doc._id, run: doc.run, name, size, adler32, guid, lfn, rule, checks, by, host };
  const stay = checks.map((copy) => ({ site: copy.storage, path: copy.path, size, same: copy.how === 'read' }));
  const site = bufferSite(doc.level);
  const marked = ports.settings.buffers.find(({ level }) => level === doc.level)?.closed === 'marker';
  const marker = { site, path: `${path}_closed`, stay: [], line: { kind: 'marker', id: doc._id, by, host } };
  return { candidate, checks, going: { site, path, size, modified, stay, line }, markers: marked ? [marker] : [] };
}

/** What the originals look like right before they go: those that are not as registered stay. */
export async function look(session: PurgeSession, ready: readonly Ready[]): Promise<Outcome[]> {
  const levels = groupBy(ready, ({ candidate }) => candidate.doc.level);
  const outcomes: Outcome[] = [];
  for (const [level, mine] of levels) {
    const paths = mine.map(({ candidate }) => candidate.file.path);
    const found = await (await session.sites.open(bufferSite(level))).stat(paths);
    for (const { candidate } of mine) outcomes.push(await lookAt(session, candidate, found.get(candidate.file.path)));
  }
  return outcomes;
}

async function lookAt(session: PurgeSession, candidate: Candidate, found: Stat | undefined): Promise<Outcome> {
  const { file } = candidate;
  if (!found) return vanished(session, candidate);
  if (found.size === file.size && found.modified === file.modified) return { candidate, gone: true };
  const why = `on the buffer ${found.size} bytes of ${found.modified}, registered ${file.size} bytes of ${file.modified}`;
  return { candidate, gone: false, why, next: 'dflow register' };
}

async function vanished({ ports }: PurgeSession, candidate: Candidate): Promise<Outcome> {
  const why = 'is no longer on the buffer';
  const back: Original = { state: 'changed', since: await ports.store.now(), why };
  return { candidate, gone: false, why, next: 'dflow register', back };
}

/** Deletes what still is as it was registered, and keeps what would take a copy along. */
export async function deleteAll(session: PurgeSession, ready: readonly Ready[]): Promise<Outcome[]> {
  const outcomes = await look(session, ready);
  const going = ready.filter((_, index) => nth(outcomes, index).gone);
  const fates = await session.removal.remove(going.map((one) => one.going));
  const ended = new Map(going.map((one, index) => [one.candidate, nth(fates, index)]));
  await session.removal.remove(going.flatMap(({ candidate, markers }) => (have(ended, candidate).gone ? markers : [])));
  return Promise.all(
    outcomes.map(async (outcome) => {
      const fate = ended.get(outcome.candidate) ?? outcome;
      return fate.gone || !outcome.gone ? outcome : await keptBy(session, outcome.candidate, fate);
    }),
  );
}

async function keptBy(session: PurgeSession, candidate: Candidate, kept: Kept): Promise<Outcome> {
  if (kept.missing) return vanished(session, candidate);
  return { candidate, ...kept, ...(kept.aside === undefined ? {} : { next: 'dflow purge' }) };
}
