// Copies of a few passes' outputs: claim, copy, publish. The copying is that of transfer: temporary name, the
// destination's checksum, rename.
import type { CopyTask } from '../../../domain/data/replicas.ts';
import type { Result } from '../../../domain/data/slots.ts';
import { parallel } from '../../../util/concurrency.ts';
import { ItemError } from '../../../util/errors.ts';
import { shown } from '../../../util/text/names.ts';
import { lanesOfAll, withLanes } from '../../copies/batch.ts';
import { makeClaimed } from '../../copies/claims/claims.ts';
import { claimsIn, type Jobs } from '../../copies/claims/outputclaims.ts';
import { type CopyLease, copyOne } from '../../copies/copy.ts';
import { Clearing } from '../../copies/removal/clearing.ts';
import type { Session } from '../../copies/session.ts';
import type { About, Item, Step } from '../../ports.ts';

/** Makes these copies; items: `{kind: 'replica', ref, file, storage, did: 'verified'|'failed'|'skipped'|'canceled', bytes}`. */
export async function* copyOutputs(session: Session, tasks: readonly CopyTask[], jobs: Jobs): Step {
  const clearing = await Clearing.open(session.ports, session.sites);
  try {
    yield* withLanes(session, tasks, async function* (open, lanes) {
      session.left += tasks.length - open.length;
      const { results, recorded, fatal } = await makeClaimed(session, claimsIn(session, jobs), open, {
        copy: (task, lease) => copy(session, task, lease, clearing),
        run: async (mine, one) => parallel(mine, lanesOfAll(lanes, mine), one),
      });
      for (const result of results) yield* itemsOf(result, recorded.has(result));
      if (fatal !== undefined) throw fatal;
    });
  } finally {
    await clearing.close();
  }
}

/** The execution is in the path, so what lies there by this name can only be the same, or the rest of another try. */
async function copy(session: Session, task: CopyTask, lease: CopyLease, { clear }: Clearing): Promise<Result> {
  const { to, path, file } = task;
  const there = await session.sites
    .attempt(to, async (storage) => ((await storage.stat([path])).has(path) ? storage.checksum(path) : undefined))
    .catch((error: unknown) => {
      if (error instanceof ItemError) return undefined;
      throw error;
    });
  if (there?.adler32 === file.adler32 && there.size === file.size) return { task, did: 'verified' };
  return copyOne(session, { task, there: false, clear }, lease);
}

function* itemsOf({ task, did, why }: Result, published: boolean): Generator<Item, void, void> {
  const { ref, run, level, file, to, source } = task;
  const item: About<'replica'> = { kind: 'replica', ref, run, level, file: file.name, storage: to };
  const words = shown(`${file.name} to ${to}: ${why ?? did}`);
  if (did === 'released') return;
  if (did === 'failed') {
    yield { ...item, did, bytes: 0, failed: true, text: words, next: `dflow list replicas ${ref}` };
  } else if (did === 'canceled') yield { ...item, did, bytes: 0, text: words };
  else if (did === 'lost' || !published) {
    yield { ...item, did: 'skipped', bytes: 0, text: `${file.name}: the pass has changed meanwhile` };
  } else yield { ...item, did: 'verified', bytes: file.size, text: `${file.name} from ${source.site}` };
}
