// Copies of raw files, decided purely: which are missing, from where they come, in which order, and the names they have
// while they are written. Knows no storage element and no store.

import type { Iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { have } from '../../util/values/have.ts';
import { covers, type HoldDoc } from '../hold.ts';
import { refOf } from '../ids.ts';
import type { StorageSettings } from '../settings.ts';
import type { Template } from '../storage/template.ts';
import { type Gone, isCooling, isLive } from './copyclaim.ts';
import type { DataDoc, RawFile, Replica } from './data.ts';

export interface Rules {
  /** Every storage element, in order; the first that is not held is the primary. */
  readonly storages: readonly StorageSettings[];
  readonly templates: ReadonlyMap<string, Template>;
  /** Names of the elements that shall have a copy. */
  readonly wanted: ReadonlySet<string>;
  /** The only source allowed: `buffer` or the name of an element. */
  readonly from?: string;
  /** Holds in force, of any kind. */
  readonly holds: readonly HoldDoc[];
  /** Places that cannot be used now: names of elements, `buffer L1`. */
  readonly aside: ReadonlySet<string>;
  /** Claims of processes that have ended; grows as they are found. */
  readonly gone: Set<string>;
  /** What failed is tried again at once: a person has mended the cause. */
  readonly hurried?: boolean;
}

/** Where the bytes come from: `site` is the name of an element, or `buffer L1`. */
export interface Source {
  readonly site: string;
  readonly path: string;
}

/** What a copy must know of a file: a raw one, or an output. */
type CopyFile = Pick<RawFile, 'name' | 'path' | 'size' | 'adler32' | 'guid'>;

/** One file to be copied to one storage element. */
export interface CopyTask {
  /** Of the document that catalogues it: raw data, or a job. */
  readonly id: string;
  /** Of raw data; `outputs` for those of a job. */
  readonly level: string;
  readonly run: number;
  /** What is said of it names the run, or the subjob. */
  readonly ref: string;
  readonly file: CopyFile;
  readonly source: Source;
  readonly to: string;
  /** Final path at the destination. */
  readonly path: string;
  /** Number of this try: one more than that of the slot as it was. */
  readonly attempt: number;
  /** Replaces a bad copy: where that is, and what was wrong with it. */
  readonly repair?: { readonly path: string; readonly why: string };
  /** Its last try failed, and it does not wait until that has cooled off. */
  readonly hurried?: boolean;
}

export const bufferSite = (level: string): string => `buffer ${level}`;

/** True when a copy may be started in this slot. A `bad` one is for verify and repair, never overwritten here. */
export function isDue(replica: Replica | undefined, now: Iso, gone: Gone, hurried = false): boolean {
  if (!replica) return true;
  if (replica.state === 'copying') return replica.repair === undefined && !isLive(replica, now, gone);
  return replica.state === 'failed' && (hurried || !isCooling(replica, now));
}

/** What a repair may replace: a bad copy, or one whose repair died. */
export function repairable(replica: Replica | undefined, now: Iso, gone: Gone): CopyTask['repair'] {
  if (replica?.state === 'bad') return { path: replica.path, why: replica.why };
  return replica?.state === 'copying' && !isLive(replica, now, gone) ? replica.repair : undefined;
}

/** Storage elements in order: one that an operator has made primary for a while stands first. */
export function inOrder(storages: readonly StorageSettings[], holds: readonly HoldDoc[]): StorageSettings[] {
  const switches = holds.filter((hold) => hold.what === 'primary').sort((a, b) => (a.since < b.since ? 1 : -1));
  const first = switches[0]?.scope.storages ?? [];
  return [
    ...storages.filter(({ name }) => first.includes(name)),
    ...storages.filter(({ name }) => !first.includes(name)),
  ];
}

/** Names of the elements that shall have a copy: the first of the configuration, and whichever is primary now. */
export function wantedCopies(storages: readonly StorageSettings[], raw: number, holds: readonly HoldDoc[]): string[] {
  const primary = inOrder(storages, holds).slice(0, 1);
  return [...new Set([...storages.slice(0, raw), ...primary].map((storage) => storage.name))];
}

/** The hold that keeps copies of this run away from `storage`, if any. */
export function holdOnCopies(holds: readonly HoldDoc[], storage: string, level: string, run?: number) {
  const subject = { storage, level, ...given({ run }) };
  return holds.find(
    (hold) =>
      (hold.what === 'storage' || hold.what === 'transfer' || hold.what === 'quarantine' || pausesStorage(hold)) &&
      covers(hold.scope, subject),
  );
}

/** A pause is about jobs, unless it names storage elements. */
function pausesStorage(hold: HoldDoc): boolean {
  return hold.what === 'pause' && hold.scope.storages !== undefined;
}

/** What can be copied at `now`, in order: by file, to the primary first. Files that wait for the primary are not in it. */
export function plannedCopies(doc: DataDoc, rules: Rules, now: Iso): CopyTask[] {
  if (!doc.keep.kept) return [];
  const open = rules.storages.filter(({ name }) => !holdOnCopies(rules.holds, name, doc.level, doc.run));
  const primary = open[0]?.name;
  const targets = open.filter(({ name }) => rules.wanted.has(name) && !rules.aside.has(name));
  return doc.files.flatMap((file) =>
    targets.flatMap(({ name: to }) => {
      const replica = file.replicas[to];
      const due = isDue(replica, now, rules.gone, rules.hurried);
      const source = due ? sourceFor(doc, file, to, to === primary, rules) : undefined;
      if (!source) return [];
      const { _id: id, level, run } = doc;
      const path = have(rules.templates, to).path({ level, run, subrun: file.subrun, name: file.name });
      const attempt = (replica?.attempt ?? 0) + 1;
      const hurried = given({ hurried: rules.hurried });
      return [{ id, level, run, ref: refOf(run), file, source, to, path, attempt, ...hurried }];
    }),
  );
}

function sourceFor(doc: DataDoc, file: RawFile, to: string, primary: boolean, rules: Rules): Source | undefined {
  const site = bufferSite(doc.level);
  const present = file.original.state === 'present' && !rules.aside.has(site);
  const original = present ? { site, path: file.path } : undefined;
  if (rules.from === 'buffer') return original;
  const copies = verifiedCopies(doc, file, rules).filter((source) => source.site !== to);
  if (rules.from !== undefined) return copies.find((source) => source.site === rules.from);
  return primary ? (original ?? copies[0]) : copies[0];
}

/** Readable verified copies, in the order of the elements, those on tape last. */
function verifiedCopies(doc: DataDoc, file: RawFile, rules: Rules): Source[] {
  const disabled = (name: string) =>
    rules.holds.some(
      (hold) => hold.what === 'storage' && covers(hold.scope, { storage: name, level: doc.level, run: doc.run }),
    );
  const readable = rules.storages.filter(({ name }) => !rules.aside.has(name) && !disabled(name));
  const ordered = [...readable.filter((one) => !one.tape), ...readable.filter((one) => one.tape)];
  return ordered.flatMap(({ name }) => {
    const replica = file.replicas[name];
    return replica?.state === 'verified' ? [{ site: name, path: replica.path }] : [];
  });
}

/** A file name may have 255 bytes; the temporary one needs some more than the name. */
const LONGEST_NAME = 200;

function temporaryPrefix(file: Pick<RawFile, 'name' | 'guid'>): string {
  const bytes = new TextEncoder().encode(file.name).length;
  return `.${bytes <= LONGEST_NAME ? file.name : file.guid}.dflow-`;
}

/** Name under which an attempt writes, in the folder of the final one. */
export function temporaryName(file: Pick<RawFile, 'name' | 'guid'>, attempt: number, nonce: string): string {
  return `${temporaryPrefix(file)}${attempt}-${nonce}`;
}

/** True for the temporary name of an attempt at `file` before `attempt`: left by somebody who died. */
export function isStaleTemporary(name: string, file: Pick<RawFile, 'name' | 'guid'>, attempt: number): boolean {
  const prefix = temporaryPrefix(file);
  const match = name.startsWith(prefix) ? /^(\d+)-[a-z0-9]+$/.exec(name.slice(prefix.length)) : null;
  return match !== null && Number(match[1]) < attempt;
}
