// One round of register over one buffer: what its parts share, what the store knows of the files that lie there, and
// how to write.

import { type DataDoc, fileOf, type RawFile } from '../../../domain/data/data.ts';
import type { Doc } from '../../../domain/doc.ts';
import { type HoldDoc, inForce } from '../../../domain/hold.ts';
import type { ArchivedDoc } from '../../../domain/runs/archived.ts';
import { firstReference } from '../../../domain/runs/placement.ts';
import type { QuarantineDoc, RunDoc } from '../../../domain/runs/run.ts';
import type { BufferSettings } from '../../../domain/settings.ts';
import type { Storage } from '../../../storage.ts';
import { type Change, idsWith, type Outcome, pages, rangeAfter } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import type { Found, Listing, ListingRules } from '../../copies/buffer/listing.ts';
import { openHolds } from '../../jobs/openholds.ts';
import type { Ports } from '../../ports.ts';
import type { Progress } from '../../progress.ts';
import type { Glance } from './files/glance.ts';
import type { Hidden } from './files/unreadable.ts';

export interface Round {
  readonly ports: Ports;
  readonly buffer: BufferSettings;
  readonly storage: Storage;
  readonly told: Progress;
  readonly rules: ListingRules;
  readonly listing: Listing;
  /** What the listing could not look at. */
  readonly hidden: Hidden;
  /** The store's clock before the listing began. */
  readonly now: Iso;
  /** Files that may still be registered in this call. */
  readonly budget: { left: number };
  readonly known: Known;
}

/** What the store knew when the round began, kept up to date with what the round writes. */
export interface Known {
  /** Data documents of this level, by run. */
  readonly data: Map<number, DataDoc>;
  /** Quarantined files of this level, by name as shown. */
  readonly quarantined: Map<string, QuarantineDoc>;
  /** Runs in the listing whose documents are in a file. */
  readonly archived: ReadonlyMap<number, ArchivedDoc>;
  /** The operators' quarantine of whole runs. */
  readonly banned: readonly HoldDoc[];
  /** Last believed run; `undefined` when there is none at all. */
  reference: number | undefined;
  /** Run type masks read from raw headers in this round, by path; `null`: the header has none. */
  readonly masks: Map<string, number | null>;
}

/** Every run, the newest first. */
const RUNS = { ...idsWith('run:'), descending: true };
/** Runs looked at together. */
const NEWEST = 50;

/** What the store knows of a level, whatever lies on its buffer. */
export interface Kept {
  readonly quarantined: readonly QuarantineDoc[];
  readonly holds: readonly HoldDoc[];
  readonly newest: readonly RunDoc[];
}

/** A fixed number of requests, however many files there are. */
export async function readKept({ store }: Ports, level: string): Promise<Kept> {
  const [quarantined, holds, newest] = await Promise.all([
    store.range<QuarantineDoc>(idsWith(`quarantine:${level}:`)),
    openHolds(store),
    store.range<RunDoc>({ ...RUNS, limit: NEWEST }),
  ]);
  return { quarantined, holds, newest };
}

/** What the store knows of the files in the listing. */
export async function knownOf(
  ports: Ports,
  { quarantined, holds: open, newest }: Kept,
  { listing, now, data, archived }: Glance,
): Promise<Known> {
  const { settings } = ports;
  const holds = open.filter((hold) => inForce(hold, now));
  const banned = holds.filter((hold) => hold.what === 'quarantine' && hold.scope.runs);
  const last = await lastRun(ports, newest, banned);
  const finished = listing.files.filter((file) => (file.closed || file.due !== undefined) && file.size > 0);
  return {
    data,
    archived,
    quarantined: new Map(quarantined.map((doc) => [doc.name, doc])),
    banned,
    reference:
      last ??
      firstReference(
        finished.map((file) => file.run),
        settings.runs,
      ),
    masks: new Map(),
  };
}

/** The highest run with registered files that no operator has quarantined. */
async function lastRun(
  ports: Ports,
  newest: readonly RunDoc[],
  banned: readonly HoldDoc[],
): Promise<number | undefined> {
  const isGood = (doc: RunDoc): boolean => hasFiles(doc) && !banBy(banned, doc.run);
  const good = newest.find(isGood);
  const before = newest.at(-1);
  if (good || !before || newest.length < NEWEST) return good?.run;
  for await (const page of pages<RunDoc>(ports.store, rangeAfter(RUNS, before._id), NEWEST)) {
    const older = page.find(isGood);
    if (older) return older.run;
  }
  return undefined;
}

function hasFiles(doc: RunDoc): boolean {
  return Object.values(doc.levels).some((level) => level.files > 0);
}

/** The hold by which an operator has quarantined the run. */
export function banBy(banned: readonly HoldDoc[], run: number): HoldDoc | undefined {
  return banned.find((hold) => hold.scope.runs?.some(([first, last]) => run >= first && run <= last));
}

/** The registered file with these numbers. */
export function registeredAs(known: Known, numbers: Pick<Found, 'run' | 'subrun'>): RawFile | undefined {
  return fileOf(known.data.get(numbers.run), numbers.subrun);
}

/** Writes the changes, if there are any. */
export async function write<D extends Doc, N = unknown>(
  round: Round,
  changes: readonly Change<D, N>[],
): Promise<Outcome<D, N>[]> {
  return changes.length === 0 ? [] : round.ports.store.bulk(changes);
}
