// Signs of life: every step, by loop, cron or hand, tells the store when it last ran on this host and how it ended.
import { SCHEMA } from '../../domain/doc.ts';
import type { LoopDoc } from '../../domain/farms/farm.ts';
import { BusyError, messageOf } from '../../util/errors.ts';
import type { Ports, Step, StepOptions } from '../ports.ts';

/** Milliseconds between two heartbeats of a loop; a round may be much shorter. */
const BEAT = 20_000;

/** Tells every host that this loop is alive. */
export async function beat(ports: Ports, loop: string, outcome: string): Promise<void> {
  const at = await ports.store.now();
  const id = `loop:${ports.host}:${loop}`;
  await ports.store.update<LoopDoc>(id, (doc) => {
    const recent = doc && doc.outcome === outcome && Date.parse(at) - Date.parse(doc.at) < BEAT;
    if (recent) return { skip: 'beat a moment ago' };
    return {
      write: {
        _id: id,
        kind: 'loop',
        v: SCHEMA,
        host: ports.host,
        loop,
        at,
        hash: ports.settings.hash,
        outcome,
        ...(doc?._rev ? { _rev: doc._rev } : {}),
      },
    };
  });
}

/** A step with its sign of life at the end, whatever that is. Another instance at work is not this host's failure. */
export async function* beating(ports: Ports, loop: string, step: Step, options: StepOptions = {}): Step {
  let outcome = 'ok';
  try {
    yield* step;
  } catch (error) {
    if (!(error instanceof BusyError)) outcome = messageOf(error);
    throw error;
  } finally {
    // What is wrong with the store is said by the step itself.
    if (!options.dryRun) await beat(ports, loop, outcome).catch(() => undefined);
  }
}
