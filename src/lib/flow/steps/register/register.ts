// register: finds closed files on the buffers, checksums and catalogues them, quarantines what cannot be placed, and
// freezes complete runs. Everything that is due is derived from a listing and the documents; nothing is remembered
// between rounds, so a round may be killed, repeated, or run twice at once.
import type { BufferSettings } from '../../../domain/settings.ts';
import type { Entry } from '../../../storage.ts';
import { type ItemError, StoreError, UsageError } from '../../../util/errors.ts';
import { shown } from '../../../util/names.ts';
import { suggestion } from '../../../util/near.ts';
import { listingRules, sortOut } from '../../copies/buffer/listing.ts';
import { listBuffer } from '../../copies/buffer/own.ts';
import type { Ports, Step, StepOptions } from '../../ports.ts';
import { admit, unregistered } from './admit.ts';
import { quarantine, type Refusal, release } from './quarantine.ts';
import { recheck } from './recheck.ts';
import { type Round, readKnown } from './round.ts';
import { settleRuns } from './runs.ts';
import { hiddenItems } from './unreadable.ts';

export { declareComplete } from './declare.ts';

export interface RegisterOptions extends StepOptions {
  /** Levels to look at; all without it. */
  readonly levels?: readonly string[];
}

/**
 * One round over the buffers; `limit` bounds the files registered.
 * @throws UnreachableError when a buffer folder is gone: nothing of its level is touched. Whatever ends a level, the
 * others are done first
 * @throws UsageError for a level without a buffer
 */
export async function* register(ports: Ports, options: RegisterOptions = {}): Step {
  const budget = { left: options.limit ?? Number.POSITIVE_INFINITY };
  let failure: { readonly error: unknown } | undefined;
  for (const buffer of chosen(ports.settings.buffers, options.levels)) {
    try {
      yield* registerLevel(ports, buffer, budget, options.dryRun === true);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      failure ??= { error };
    }
  }
  if (failure) throw failure.error;
}

function chosen(buffers: readonly BufferSettings[], levels: readonly string[] | undefined): readonly BufferSettings[] {
  const known = buffers.map((buffer) => buffer.level);
  for (const level of levels ?? []) {
    if (!known.includes(level))
      throw new UsageError(`no buffer has level ${level}`, { hint: suggestion(level, known) });
  }
  return levels ? buffers.filter((buffer) => levels.includes(buffer.level)) : buffers;
}

async function* registerLevel(ports: Ports, buffer: BufferSettings, budget: { left: number }, dryRun: boolean): Step {
  const round = await survey(ports, buffer, budget, dryRun);
  const refused = new Set<string>();
  yield* hiddenItems(round.hidden, buffer.level);
  yield* recheck(round, round.listing.files, refused);
  const strange = round.listing.strange.map((entry) => misnamed(entry, buffer));
  for (const refusal of strange) refused.add(shown(refusal.entry.path));
  yield* quarantine(round, strange);
  const { candidates, rivals } = unregistered(round);
  yield* admit(round, candidates, refused);
  yield* recheck(round, rivals, refused);
  yield* release(round, refused);
  yield* settleRuns(round);
}

async function survey(ports: Ports, buffer: BufferSettings, budget: { left: number }, dryRun: boolean): Promise<Round> {
  const now = await ports.store.now();
  const rules = listingRules(ports.settings, buffer, now);
  const storage = await ports.buffer(buffer.level);
  const hidden = new Map<string, ItemError>();
  const entries = await listBuffer(ports.settings, storage, (path, why) => hidden.set(path, why));
  const listing = sortOut(entries, rules);
  const known = await readKnown(ports, buffer.level, listing, now);
  return { ports, dryRun, buffer, storage, rules, listing, hidden, now, budget, known };
}

function misnamed(entry: Entry, buffer: BufferSettings): Refusal {
  const detail = entry.raw ? 'the name is no UTF-8' : `the name does not match ${buffer.pattern}`;
  return { entry, reason: 'unparsable-name', detail };
}
