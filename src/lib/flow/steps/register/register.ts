// register: finds closed files on the buffers, checksums and catalogues them, quarantines what cannot be placed, and
// freezes complete runs. Everything that is due is derived from a listing and the documents (the first looks at files are
// one of them), so a round may be killed, repeated, or run twice at once.

import { named } from '../../../domain/named.ts';
import type { BufferSettings } from '../../../domain/settings.ts';
import type { Entry } from '../../../storage.ts';
import { StoreError } from '../../../util/errors.ts';
import { shown } from '../../../util/text/names.ts';
import { between, humanDuration, type Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { withDryRun } from '../../dry.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { Progress } from '../../progress.ts';
import { admit, unregistered } from './files/admit.ts';
import { type Glance, glance, waiting } from './files/glance.ts';
import { quarantine, type Refusal, release } from './files/quarantine.ts';
import { recheck } from './files/recheck.ts';
import { hiddenItems } from './files/unreadable.ts';
import { type Kept, knownOf, type Round, readKept } from './round.ts';
import { settleRuns } from './runs/runs.ts';

export { settleVersions } from './files/versions.ts';
export { declareComplete } from './runs/declare.ts';

export interface RegisterOptions extends StepOptions {
  /** Levels to look at; all without it. */
  readonly levels?: readonly string[];
  /** Wait once for the second look at files that seem to be finished; without it a later call takes them. */
  readonly wait?: boolean;
}

/** Timers may ring a moment early. */
const MARGIN = 100;

/**
 * One round over the buffers; `limit` bounds the files registered.
 * @throws UnreachableError when a buffer folder is gone: nothing of its level is touched. Whatever ends a level, the
 * others are done first
 * @throws UsageError for a level without a buffer
 */
export function register(ports: Ports, options: RegisterOptions = {}): Step {
  return withDryRun(ports, options, (on) => rounds(on, options));
}

async function* rounds(ports: Ports, options: RegisterOptions): Step {
  const budget = { left: options.limit ?? Number.POSITIVE_INFINITY };
  const buffers = chosen(ports.settings.buffers, options.levels);
  const looked = options.wait ? yield* firstLook(ports, buffers) : undefined;
  let failure: { readonly error: unknown } | undefined;
  for (const buffer of buffers) {
    try {
      const before = looked?.get(buffer.level);
      const [seen, kept] = before?.fresh ? before.look : await lookAt(ports, buffer);
      yield* registerLevel(ports, buffer, seen, kept, budget);
      if (!options.wait && waiting(seen).files > 0) yield waitingItem(buffer.level, waiting(seen));
    } catch (error) {
      if (error instanceof StoreError) throw error;
      failure ??= { error };
    }
  }
  if (failure) throw failure.error;
}

function chosen(buffers: readonly BufferSettings[], levels: readonly string[] | undefined): readonly BufferSettings[] {
  const known = buffers.map((buffer) => buffer.level);
  for (const level of levels ?? []) named('level', level, known);
  return levels ? buffers.filter((buffer) => levels.includes(buffer.level)) : buffers;
}

/** What lies on a buffer, and what the store knows of its level. */
type Look = readonly [seen: Glance, kept: Kept];

/** The store is asked last: what another host has registered or quarantined since the listing is known by then. */
async function lookAt(ports: Ports, buffer: BufferSettings): Promise<Look> {
  const seen = await glance(ports, buffer);
  return [seen, await readKept(ports, buffer.level)];
}

interface Looked {
  readonly look: Look;
  /** It says all that can be said now: nothing was waited for since, and no file of it needed a second look. */
  readonly fresh: boolean;
}

/** Looks at all buffers, and waits until the second look at the last of their files is due. */
async function* firstLook(
  ports: Ports,
  buffers: readonly BufferSettings[],
): AsyncGenerator<Item, Map<string, Looked>, void> {
  const looks = new Map<string, Look>();
  let until: Iso | undefined;
  let second = false;
  for (const buffer of buffers) {
    const look = await lookAt(ports, buffer).catch(leaveToTheRound);
    if (!look) continue;
    looks.set(buffer.level, look);
    const now = await ports.store.now();
    const found = waiting(look[0]);
    if (found.until === undefined) continue;
    second = true;
    // A long look at many files may itself have been wait enough.
    if (found.until <= now) continue;
    yield waitingItem(buffer.level, found, now);
    if (until === undefined || found.until > until) until = found.until;
  }
  if (until !== undefined) await ports.sleep(Math.max(0, between(await ports.store.now(), until)) + MARGIN);
  // What a long look at a later level, or a wait, has made old is looked at again.
  const fresh = !second && looks.size === 1;
  return new Map([...looks].map(([level, look]) => [level, { look, fresh }]));
}

/** The round itself meets it again, and says so. */
function leaveToTheRound(error: unknown): undefined {
  if (error instanceof StoreError) throw error;
}

function waitingItem(level: string, { files, until }: ReturnType<typeof waiting>, now?: Iso): Item {
  const many = files === 1 ? '1 file waits' : `${files} files wait`;
  const wait = now !== undefined && until !== undefined ? `, in ${humanDuration(between(now, until))}` : '';
  return {
    kind: 'buffer',
    ref: level,
    did: 'waiting',
    level,
    files,
    ...given({ until }),
    text: `${many} for a second look${wait}`,
  };
}

async function* registerLevel(
  ports: Ports,
  buffer: BufferSettings,
  seen: Glance,
  kept: Kept,
  budget: { left: number },
): Step {
  const { storage, rules, listing, hidden, now } = seen;
  const known = await knownOf(ports, kept, seen);
  const told = new Progress(ports);
  const round: Round = { ports, buffer, storage, told, rules, listing, hidden, now, budget, known };
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

function misnamed(entry: Entry, buffer: BufferSettings): Refusal {
  const detail = entry.raw ? 'the name is not UTF-8' : `the name does not match ${buffer.pattern}`;
  return { entry, reason: 'unparsable-name', detail };
}
