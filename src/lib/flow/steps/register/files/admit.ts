// New files: which are believed, their checksums, their entries in the data documents. In batches in the order of the
// runs, so that a kill loses one batch at most and the next round goes on behind it.
import type { DataDoc, RawFile } from '../../../../domain/data/data.ts';
import { archivedText } from '../../../../domain/runs/archived.ts';
import { misplaced } from '../../../../domain/runs/placement.ts';
import { type Outcome, tookEffect } from '../../../../store.ts';
import { parallel } from '../../../../util/concurrency.ts';
import { shown } from '../../../../util/text/names.ts';
import { groupBy } from '../../../../util/values/group.ts';
import type { Found } from '../../../copies/buffer/listing.ts';
import type { Item, Step } from '../../../ports.ts';
import { banBy, type Round, registeredAs, write } from '../round.ts';
import { dataRefOf, type NewFile, withFiles } from './newfiles.ts';
import { BY_HOLD, isUnchanged, quarantine, type Refusal } from './quarantine.ts';
import { PARALLEL, type Reading, readHeader, readSteady, type Trouble } from './read.ts';

const BATCH_FILES = 200;
const BATCH_BYTES = 4 * 2 ** 30;

/** Unregistered files: one candidate per run and subrun, and its rivals for the same place. */
export function unregistered(round: Round): { candidates: Found[]; rivals: Found[] } {
  const places = new Map<string, Found[]>();
  for (const file of round.listing.files) {
    if (registeredAs(round.known, file)) continue;
    const key = `${file.run}/${file.subrun}`;
    const place = places.get(key);
    if (place) place.push(file);
    else places.set(key, [file]);
  }
  const candidates: Found[] = [];
  const rivals: Found[] = [];
  for (const files of places.values()) {
    const chosen = files.find((file) => file.closed && file.size > 0 && !heldBack(round, file)) ?? files[0];
    for (const file of files) (file === chosen ? candidates : rivals).push(file);
  }
  return { candidates, rivals };
}

/** Registers what can be registered; the names (as shown) of what is refused are added to `refused`. */
export async function* admit(round: Round, candidates: readonly Found[], refused: Set<string>): Step {
  const closed = candidates.filter((file) => file.closed && file.size > 0).slice(0, round.budget.left);
  round.told.expect(closed.map(({ path, size }) => [path, size]));
  for (const batch of batches(candidates)) {
    if (round.budget.left <= 0) break;
    const walk = await judge(round, batch);
    round.known.reference = walk.reference;
    for (const refusal of walk.refused) refused.add(shown(refusal.entry.path));
    yield* quarantine(round, walk.refused);
    const accepted = walk.accepted.slice(0, round.budget.left);
    round.budget.left -= accepted.length;
    yield* checksumAndWrite(round, accepted);
    round.told.forget(batch.map(({ path }) => path));
  }
  round.told.forget(closed.map(({ path }) => path));
}

function* batches(files: readonly Found[]): Generator<Found[]> {
  let batch: Found[] = [];
  let bytes = 0;
  for (const file of files) {
    batch.push(file);
    bytes += file.size;
    if (batch.length < BATCH_FILES && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

interface Walk {
  readonly accepted: readonly Found[];
  readonly refused: readonly Refusal[];
  readonly reference: number | undefined;
}

/** Headers are read only where the name is believed; a bad one is then not allowed to move the reference. */
async function judge(round: Round, batch: readonly Found[]): Promise<Walk> {
  const byName = walk(round, batch, new Map());
  const damage = new Map<string, string>();
  if (round.buffer.format !== 'zdab') return byName;
  const check = async (file: Found): Promise<void> => {
    const header = await readHeader(round.storage, file.path, file.run);
    if (header.ok) round.known.masks.set(file.path, header.mask ?? null);
    else if (header.damage !== undefined) damage.set(file.path, header.damage);
  };
  for await (const _ of parallel(byName.accepted, PARALLEL, check));
  return damage.size === 0 ? byName : walk(round, batch, damage);
}

/** Judges files in the order of their runs; each believed one is the reference for the next. */
function walk(round: Round, batch: readonly Found[], damage: ReadonlyMap<string, string>): Walk {
  const accepted: Found[] = [];
  const refused: Refusal[] = [];
  let { reference } = round.known;
  for (const file of batch) {
    const why = refusalOf(round, file, reference, damage.get(file.path));
    if (why) refused.push({ entry: file, run: file.run, ...why });
    if (why || !file.closed) continue;
    accepted.push(file);
    reference = Math.max(reference ?? file.run, file.run);
  }
  return { accepted, refused, reference };
}

function refusalOf(
  round: Round,
  file: Found,
  reference: number | undefined,
  damage: string | undefined,
): Pick<Refusal, 'reason' | 'detail'> | undefined {
  const held = heldBack(round, file);
  if (held) return held;
  const archived = round.known.archived.get(file.run);
  if (archived) return { reason: 'archived', detail: `run ${file.run} is ${archivedText(archived)}` };
  const ban = banBy(round.known.banned, file.run);
  if (ban) return { reason: 'operator', detail: `${BY_HOLD} ${ban.why} (${ban._id})` };
  const misplacement = misplaced(file.run, reference, round.ports.settings.runs);
  if (misplacement) return misplacement;
  if (file.odd !== undefined) return { reason: 'odd-time', detail: file.odd };
  if (file.closed && file.size === 0) return { reason: 'empty', detail: 'the file is closed and has no bytes' };
  return damage === undefined ? undefined : { reason: 'damaged', detail: damage };
}

/** Quarantined by a person, or damaged and not touched since. */
function heldBack(round: Round, file: Found): Pick<Refusal, 'reason' | 'detail'> | undefined {
  const doc = round.known.quarantined.get(shown(file.path));
  if (!doc) return undefined;
  const byPerson = doc.reason === 'operator' && !doc.detail.startsWith(BY_HOLD);
  const damaged = doc.reason === 'damaged' && round.buffer.format === 'zdab' && isUnchanged(doc, file);
  return byPerson || damaged ? { reason: doc.reason, detail: doc.detail } : undefined;
}

async function* checksumAndWrite(round: Round, files: readonly Found[]): Step {
  const readings = new Map<string, Reading>();
  const read = async (file: Found): Promise<void> => {
    readings.set(file.path, await readSteady(round, file));
  };
  for await (const _ of parallel(files, PARALLEL, read));
  const good: NewFile[] = [];
  for (const file of files) {
    const reading = readings.get(file.path);
    if (reading?.ok) good.push({ ...file, adler32: reading.adler32 });
    else if (reading && reading.did !== 'gone') yield troubleItem(round, file, reading);
  }
  yield* register(round, good);
}

/** An item for a file that could not be read; it is tried again in the next round. */
export function troubleItem(round: Round, file: Found, { did, text, next = 'dflow register' }: Trouble): Item {
  const { run, subrun, name } = file;
  return {
    ...dataRefOf(round, run),
    did,
    subrun,
    name: shown(name),
    failed: true,
    text,
    next,
  };
}

/** One compare-and-swap per data document; a file that another register wrote meanwhile is skipped. */
async function* register(round: Round, files: readonly NewFile[]): Step {
  const byRun = groupBy(files, ({ run }) => run);
  const at = await round.ports.store.now();
  const changes = [...byRun].map(([run, group]) => ({ ...withFiles(round, run, group, at), ...baseOf(round, run) }));
  const outcomes = await write(round, changes);
  for (const [index, run] of [...byRun.keys()].entries()) yield* outcomeItems(round, run, outcomes[index]);
}

function baseOf(round: Round, run: number): { base?: DataDoc } {
  const base = round.known.data.get(run);
  return base ? { base } : {};
}

function* outcomeItems(
  round: Round,
  run: number,
  outcome: Outcome<DataDoc, readonly RawFile[]> | undefined,
): Generator<Item> {
  if (!outcome) return;
  if (outcome.doc) round.known.data.set(run, outcome.doc);
  if (tookEffect(outcome)) {
    const kept = outcome.doc?.keep.kept ?? true;
    for (const { subrun, name, size, adler32 } of outcome.note ?? []) {
      const text = `${name} ${size} bytes, adler32 ${adler32}${kept ? '' : ', sampled out'}`;
      yield { ...dataRefOf(round, run), did: 'registered', subrun, name, size, adler32, kept, text };
    }
  } else if (outcome.result === 'lost' || outcome.result === 'frozen') {
    const text = `run ${run}: not registered, its data document is ${outcome.result === 'lost' ? 'too busy' : 'in conflict'}`;
    yield { ...dataRefOf(round, run), did: outcome.result, failed: true, text, next: `dflow show ${outcome.id}` };
  }
}
