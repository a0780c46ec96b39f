// The run type mask of a run, and the hold that a calibration run puts on the automatic passes of later runs.
// Where the mask comes from (raw header, run table, operator) is the caller's business.
import { appendHistory, SCHEMA } from '../../domain/doc.ts';
import type { HoldDoc } from '../../domain/hold.ts';
import { holdId, MAX_RUN, refOf, runId, runPad } from '../../domain/ids.ts';
import type { RunDoc } from '../../domain/runs/run.ts';
import { typesOf } from '../../domain/runs/runtypes.ts';
import { tookEffect } from '../../store.ts';
import type { Iso } from '../../util/time.ts';
import type { Item, Ports, Step } from '../ports.ts';

/** Id of the hold that calibration run `run` puts. */
export const calibrationHoldId = (run: number): string => holdId(`calibration-${runPad(run)}`);

/**
 * The run's document with its mask; the same object when it has it already. What was decided by another type in `version`,
 * the automatic one, is decided again; passes that exist stay.
 */
export function withMask(doc: RunDoc, mask: number, from: string, at: Iso, by: string, version?: string): RunDoc {
  if (doc.mask === mask && doc.maskFrom !== undefined) return doc;
  const entry = {
    at,
    ...(doc.mask === undefined ? {} : { from: `mask ${doc.mask}` }),
    to: `mask ${mask}`,
    by,
    why: from,
  };
  const { automatic, ...rest } = doc;
  const decided = Object.entries(automatic ?? {}).filter(([name]) => doc.mask === mask || name !== version);
  const kept = decided.length > 0 ? { automatic: Object.fromEntries(decided) } : {};
  return { ...rest, ...kept, mask, maskFrom: from, history: appendHistory(doc.history, entry) };
}

/**
 * Sets the mask of a run that has a document, whatever it was, and puts the calibration hold where its type asks for
 * one. `from` says where the mask comes from. Yields nothing when nothing changed.
 */
export async function* setMask(ports: Ports, run: number, mask: number, from: string): Step {
  const doc = (await ports.store.get<RunDoc>([runId(run)])).get(runId(run));
  if (!doc || (doc.mask === mask && doc.maskFrom !== undefined)) return;
  // The hold first: a kill in between must not leave a calibration run that holds nothing.
  yield* holdAfterCalibration(ports, run, mask);
  const at = await ports.store.now();
  const outcome = await ports.store.update<RunDoc>(runId(run), (current) => {
    if (!current) return { skip: 'the run is gone' };
    const next = withMask(current, mask, from, at, ports.by, ports.settings.automatic.version);
    return next === current ? { skip: 'it has this mask' } : { write: next };
  });
  if (tookEffect(outcome)) yield maskItem(ports, run, mask, from);
}

/** The item of a mask that was set. */
export function maskItem(ports: Ports, run: number, mask: number, from: string): Item {
  const types = typesOf(mask, ports.settings.runs.types);
  const text = `${types.join('+') || 'no type'} (mask ${mask}, ${from})`;
  return { kind: 'run', ref: refOf(run), did: 'typed', run, mask, types, text };
}

/** Puts the hold of a calibration run, once: one that was ended stays ended. */
export async function* holdAfterCalibration(ports: Ports, run: number, mask: number): Step {
  const { calibration, types } = ports.settings.runs;
  const type = typesOf(mask, types).find((name) => calibration.includes(name));
  if (type === undefined) return;
  const id = calibrationHoldId(run);
  const why = `${type} run ${run} is to be validated`;
  const item: Item = {
    kind: 'hold',
    ref: id,
    did: 'held',
    run,
    text: `later runs: ${why}`,
    next: `dflow resume ${id}`,
  };
  const hold: HoldDoc = {
    _id: id,
    kind: 'hold',
    v: SCHEMA,
    what: 'calibration',
    scope: { automatic: true, runs: [[run + 1, MAX_RUN]] },
    why,
    by: ports.by,
    since: await ports.store.now(),
  };
  const outcome = await ports.store.update<HoldDoc>(id, (old) => (old ? { skip: 'was put before' } : { write: hold }));
  if (tookEffect(outcome)) yield item;
}
