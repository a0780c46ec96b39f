// One round of register over one buffer: what its parts share, what the store knows of the files that lie there, and
// how to write.

import type { DataDoc, RawFile } from '../../../domain/data/data.ts';
import type { Doc } from '../../../domain/doc.ts';
import type { HoldDoc } from '../../../domain/hold.ts';
import { firstReference } from '../../../domain/runs/placement.ts';
import type { QuarantineDoc, RunDoc } from '../../../domain/runs/run.ts';
import type { BufferSettings } from '../../../domain/settings.ts';
import type { Storage } from '../../../storage.ts';
import { type Change, idsWith, type Outcome, pages } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import type { Found, Listing, ListingRules } from '../../copies/buffer/listing.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { Ports } from '../../ports.ts';
import type { Glance } from './files/glance.ts';
import type { Hidden } from './files/unreadable.ts';

export interface Round {
  readonly ports: Ports;
  readonly buffer: BufferSettings;
  readonly storage: Storage;
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
  /** The operators' quarantine of whole runs. */
  readonly banned: readonly HoldDoc[];
  /** Last believed run; `undefined` when there is none at all. */
  reference: number | undefined;
  /** Run type masks read from raw headers in this round, by path; `null`: the header has none. */
  readonly masks: Map<string, number | null>;
}

/** Reads what else the store knows of the files in the listing: a fixed number of requests, however many files there are. */
export async function readKnown(ports: Ports, level: string, { listing, now, data }: Glance): Promise<Known> {
  const { store, settings } = ports;
  const quarantined = await store.range<QuarantineDoc>(idsWith(`quarantine:${level}:`));
  const banned = (await activeHolds(store, now)).filter((hold) => hold.what === 'quarantine' && hold.scope.runs);
  const last = await lastRun(ports, banned);
  const finished = listing.files.filter((file) => (file.closed || file.due !== undefined) && file.size > 0);
  return {
    data,
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
async function lastRun(ports: Ports, banned: readonly HoldDoc[]): Promise<number | undefined> {
  for await (const page of pages<RunDoc>(ports.store, { ...idsWith('run:'), descending: true }, 50)) {
    const good = page.find((doc) => hasFiles(doc) && !banBy(banned, doc.run));
    if (good) return good.run;
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
  return known.data.get(numbers.run)?.files.find((file) => file.subrun === numbers.subrun);
}

/** Writes the changes, if there are any. */
export async function write<D extends Doc, N = unknown>(
  round: Round,
  changes: readonly Change<D, N>[],
): Promise<Outcome<D, N>[]> {
  return changes.length === 0 ? [] : round.ports.store.bulk(changes);
}
