// What the buffer shows about each run of a level besides its registered files: open ones, unusable ones, later runs.
// Pure but for one look at the last runs of the level.

import type { DataDoc } from '../../../../domain/data/data.ts';
import { misplaced } from '../../../../domain/runs/placement.ts';
import type { QuarantineDoc } from '../../../../domain/runs/run.ts';
import { idsWith } from '../../../../store.ts';
import { shown } from '../../../../util/text/names.ts';
import { type Iso, ms } from '../../../../util/time.ts';
import { baseName } from '../../../copies/buffer/listing.ts';
import { hiddenOf } from '../files/unreadable.ts';
import { banBy, type Round, registeredAs } from '../round.ts';
import type { Surroundings } from './level.ts';

/** Runs looked at to know the end of the level and whether its subruns count from 0. */
const LAST = 10;

/** Data of the last runs of the level. */
export function lastData({ ports, buffer }: Round): Promise<DataDoc[]> {
  return ports.store.range<DataDoc>({ ...idsWith(`data:${buffer.level}:`), descending: true, limit: LAST });
}

/** Surroundings of every run in `data`, of the `more` runs, and of believed ones with nothing but open files, by run. */
export function surroundings(
  round: Round,
  last: readonly DataDoc[],
  data: ReadonlyMap<number, DataDoc>,
  more: readonly number[],
): Map<number, Surroundings> {
  const all = new Map([...last.map((doc) => [doc.run, doc] as const), ...data]);
  const open = openFiles(round, all);
  const unusable = unusableFiles(round);
  const later = laterRuns(round, all);
  const zero = [...all.values()].some((doc) => doc.files[0]?.subrun === 0);
  const runs = [...new Set([...data.keys(), ...more, ...open.keys()])].sort((a, b) => a - b);
  return new Map(
    runs.map((run) => {
      const next = later(run);
      const facts: Surroundings = {
        open: open.get(run) ?? [],
        unusable: unusable.get(run) ?? [],
        ended: round.listing.ended.has(run),
        ...(zero ? { first: 0 as const } : {}),
        ...(next === undefined ? {} : { later: next, laterCame: cameLast(all.get(next)) }),
      };
      return [run, facts];
    }),
  );
}

/** Files of believed runs that are neither registered nor quarantined: being written, being read, or to be read. */
function openFiles(round: Round, data: ReadonlyMap<number, DataDoc>): Map<number, string[]> {
  const { known, listing, ports } = round;
  const open = new Map<number, string[]>();
  for (const file of listing.files) {
    if (registeredAs(known, file) || known.quarantined.has(shown(file.path)) || known.archived.has(file.run)) continue;
    const believed = data.has(file.run) || !misplaced(file.run, known.reference, ports.settings.runs);
    if (believed && !banBy(known.banned, file.run)) add(open, file.run, shown(file.name));
  }
  for (const [run, what] of hiddenOf(round.hidden, round.rules, data)) add(open, run, `${what} (cannot be read)`);
  for (const { run, name } of listing.copying) if (data.has(run)) add(open, run, shown(name));
  return open;
}

const UNUSABLE: Partial<Record<QuarantineDoc['reason'], string>> = {
  empty: 'empty',
  damaged: 'damaged',
  'odd-time': 'not believed, for its time',
};

/** Quarantined files that the run lacks: without them it would look complete. */
function unusableFiles(round: Round): Map<number, { subrun: number; reason: string }[]> {
  const files = new Map<number, { subrun: number; reason: string }[]>();
  for (const doc of round.known.quarantined.values()) {
    const reason = UNUSABLE[doc.reason];
    if (reason === undefined) continue;
    const numbers = round.rules.pattern.parse(baseName(doc.name));
    if (numbers) add(files, numbers.run, { subrun: numbers.subrun, reason });
  }
  return files;
}

/**
 * The next run of the level that has a closed file from before the listing began: a listing takes a while, and a file
 * made during it says nothing of files that the listing may have missed.
 */
function laterRuns(round: Round, data: ReadonlyMap<number, DataDoc>): (run: number) => number | undefined {
  const { now, known } = round;
  const runs = [...data.values()]
    .filter((doc) => doc.files.some((file) => ms(file.modified) <= ms(now)) && !banBy(known.banned, doc.run))
    .map((doc) => doc.run)
    .sort((a, b) => a - b);
  return (run) => {
    const next = firstAbove(runs, run);
    return next !== undefined && next - run <= round.ports.settings.runs.maxJump ? next : undefined;
  };
}

function cameLast(doc: DataDoc | undefined): Iso {
  return (doc?.files ?? []).reduce((last, { registered }) => (registered > last ? registered : last), '');
}

function firstAbove(sorted: readonly number[], value: number): number | undefined {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return sorted[low];
}

function add<V>(map: Map<number, V[]>, run: number, value: V): void {
  const values = map.get(run);
  if (values) values.push(value);
  else map.set(run, [value]);
}
