// The run type mask of a run, and the hold that a calibration run puts on the automatic passes of later runs.
// Where the mask comes from (raw header, run table, operator) is the caller's business.
import { appendHistory, SCHEMA } from '../../domain/doc.ts';
import type { HoldDoc } from '../../domain/hold.ts';
import { holdId, MAX_RUN, refOf, runId, runPad } from '../../domain/ids.ts';
import { modulesFor } from '../../domain/modules/modules.ts';
import type { RunDoc } from '../../domain/runs/run.ts';
import { typesOf } from '../../domain/runs/runtypes.ts';
import { tookEffect } from '../../store.ts';
import type { Iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { nth } from '../../util/values/have.ts';
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

/** What a run is said to be. */
export interface NewMask {
  readonly run: number;
  readonly mask: number;
  /** Where the mask comes from. */
  readonly from: string;
}

/**
 * Sets the masks of runs that have a document, whatever they were, and puts the calibration holds where their types ask
 * for one. Yields nothing of a run that has its mask already. A run may appear once.
 */
export async function* setMasks(ports: Ports, masks: readonly NewMask[]): Step {
  if (masks.length === 0) return;
  const docs = await ports.store.get<RunDoc>(masks.map(({ run }) => runId(run)));
  const due = masks.filter(({ run, mask }) => {
    const doc = docs.get(runId(run));
    return doc && (doc.mask !== mask || doc.maskFrom === undefined);
  });
  if (due.length === 0) return;
  // The holds first: a kill in between must not leave a calibration run that holds nothing.
  yield* holdAfterCalibration(ports, due);
  const at = await ports.store.now();
  const outcomes = await ports.store.bulk<RunDoc>(
    due.map(({ run, mask, from }) => ({
      id: runId(run),
      ...given({ base: docs.get(runId(run)) }),
      change: (doc) => {
        if (!doc) return { skip: 'the run is gone' };
        const next = withMask(doc, mask, from, at, ports.by, ports.settings.automatic.version);
        return next === doc ? { skip: 'it has this mask' } : { write: next };
      },
    })),
  );
  for (const [index, outcome] of outcomes.entries())
    if (tookEffect(outcome)) yield maskItem(ports, nth(due, index), docs.get(outcome.id));
}

/** The item of a mask that was set; `before`: the run with its earlier mask, whose passes stay. */
export function maskItem({ settings }: Ports, { run, mask, from }: NewMask, before?: RunDoc): Item {
  const types = typesOf(mask, settings.runs.types);
  const text = `${types.join('+') || 'no type'} (mask ${mask}, ${from})`;
  const item: Item = { kind: 'run', ref: refOf(run), did: 'typed', run, mask, types, text };
  const { version } = settings.automatic;
  const file = version === undefined ? undefined : settings.modules[version];
  const made = version === undefined ? [] : (before?.automatic?.[version]?.modules ?? []);
  const over = file ? made.filter((module) => !modulesFor(file, types).includes(module)) : [];
  if (over.length === 0) return item;
  return { ...item, text: `${text}; it does not ask for ${over.join(', ')} any more`, next: `dflow why ${refOf(run)}` };
}

/** Puts the holds of calibration runs, each once: one that was ended stays ended. */
export async function* holdAfterCalibration(ports: Ports, masks: readonly Omit<NewMask, 'from'>[]): Step {
  const { calibration, types } = ports.settings.runs;
  const due = masks.flatMap(({ run, mask }) => {
    const type = typesOf(mask, types).find((name) => calibration.includes(name));
    return type === undefined
      ? []
      : [{ run, id: calibrationHoldId(run), why: `${type} run ${run} is to be validated` }];
  });
  if (due.length === 0) return;
  const since = await ports.store.now();
  const outcomes = await ports.store.bulk<HoldDoc>(
    due.map(({ run, id, why }) => ({
      id,
      change: (old) => (old ? { skip: 'was put before' } : { write: holdAfter(run, why, since, ports.by) }),
    })),
  );
  for (const [index, outcome] of outcomes.entries()) {
    const { run, id, why } = nth(due, index);
    const about = { kind: 'hold', ref: id, did: 'held', run } as const;
    if (tookEffect(outcome)) yield { ...about, text: `later runs: ${why}`, next: `dflow resume ${id}` };
  }
}

function holdAfter(run: number, why: string, since: Iso, by: string): HoldDoc {
  return {
    _id: calibrationHoldId(run),
    kind: 'hold',
    v: SCHEMA,
    what: 'calibration',
    scope: { automatic: true, runs: [[run + 1, MAX_RUN]] },
    why,
    by,
    since,
  };
}
