// chain: one round of this host's steps, or rounds until nothing is due any more. Each step is the same code as its
// command; a step that fails does not keep the others from their work.

import type { ChainStep } from '../../../domain/farms/hostplan.ts';
import { loopId } from '../../../domain/ids.ts';
import { BusyError, DflowError, EXIT, messageOf, StoreError, UnreachableError } from '../../../util/errors.ts';
import { ownError } from '../../../util/systemerrors.ts';
import { type Iso, ms } from '../../../util/time.ts';
import { bufferId, fillSaid } from '../../copies/buffer/fill.ts';
import { withDryRun } from '../../dry.ts';
import { beatOf, Outcome } from '../../farms/beat.ts';
import { activeCount, farmSettings } from '../../farms/farm.ts';
import { Sayings } from '../../jobs/said.ts';
import type { Item, Ports, Round, Step, StepOptions } from '../../ports.ts';
import { catalogueSync } from '../catalogue/catalogue.ts';
import { enqueue } from '../enqueue/enqueue.ts';
import { monitor } from '../monitor/monitor.ts';
import { purge } from '../purge/purge.ts';
import { register } from '../register/register.ts';
import { reset } from '../reset/reset.ts';
import { submit } from '../submit/submit.ts';
import { tables } from '../tables/tables.ts';
import { transfer } from '../transfer/transfer.ts';
import { horizon, nextDue, waitFor } from './chaindue.ts';

export interface ChainOptions extends StepOptions {
  /** Rounds until a whole round changes nothing and no job is active. */
  readonly untilIdle?: boolean;
  /** Whether register waits for its second look; `untilIdle` waits for everything alike. */
  readonly wait?: boolean;
}

/** The steps in the order of the data's way. */
const STEPS: Readonly<Record<ChainStep, (ports: Ports, options: ChainOptions) => Step>> = {
  register,
  tables,
  transfer,
  purge,
  enqueue,
  submit,
  monitor,
  reset,
  catalogue: (ports, options) => catalogueSync(ports, { ...options, among: true }),
};

/** Milliseconds between two rounds while jobs run: at least, at most. */
const PAUSE = [100, 2_000] as const;

/**
 * How long to leave the machine to its jobs after a round that took `took` ms: twice as long, so that looking costs a
 * third of the time at most and each round finds more that ended.
 */
function pauseAfter(took: number): number {
  return Math.min(Math.max(PAUSE[0], 2 * took), PAUSE[1]);
}

/** Runs the host's steps; items carry the step's name. What is wrong in every round alike is said once. */
export function chain(ports: Ports, options: ChainOptions = {}): Step {
  return withDryRun(ports, options, (on) => rounds(on, options));
}

async function* rounds(ports: Ports, options: ChainOptions): Step {
  const names = ports.settings.loops;
  const said = new Set<string>();
  for (let quiet = 0; ; ) {
    let changed = false;
    let failure: unknown;
    const fail = (error: unknown): void => {
      failure ??= error;
    };
    const began = await ports.store.now();
    const told = new Sayings(ports, saidIn(ports));
    const round: Round = { farms: new Map(), after: [] };
    const inRound = { ...ports, round };
    ports.progress?.({ what: 'round', steps: names });
    try {
      for (const name of names) {
        const stepOptions = { ...options, wait: options.wait === true && !options.untilIdle };
        for await (const item of guarded(inRound, name, stepOptions, { told, fail })) {
          changed ||= isChange(item);
          const words = `${name} ${item.ref} ${item.did} ${item.text}`;
          if (isChange(item) || !said.has(words)) yield { ...item, step: name };
          if (!isChange(item)) said.add(words);
        }
      }
    } finally {
      await Promise.all(round.after);
      await told.flush();
    }
    if (failure !== undefined) throw failure;
    if (!options.untilIdle || ports.dry) return;
    quiet = changed ? 0 : quiet + 1;
    const active = names.includes('monitor') ? await activeCount(ports, farmSettings(ports).name) : 0;
    if (active > 0) await ports.sleep(pauseAfter(ms(await ports.store.now()) - ms(began)));
    else if (quiet > 1 && !(yield* waited(ports, began, said))) return;
  }
}

/** Ids of what a round says of this host: the signs of life of its steps, how full its buffers are. */
function saidIn({ settings, host }: Ports): string[] {
  const buffers = settings.buffers.map(({ level }) => bufferId(host, level));
  return [...settings.loops.map((name) => loopId(host, name)), ...buffers];
}

/** Waits for what time alone makes due, if that is soon. False: there is nothing to wait for. */
async function* waited(ports: Ports, began: Iso, said: Set<string>): AsyncGenerator<Item, boolean, void> {
  const due = await nextDue(ports, began);
  const now = await ports.store.now();
  if (!due || due.at > horizon(ports, now)) return false;
  const text = `${due.why}, due ${due.at}`;
  if (!said.has(due.why)) yield { kind: 'loop', ref: 'chain', did: 'waiting', text, until: due.at };
  said.add(due.why);
  await ports.sleep(Math.min(waitFor(due, now), 5_000));
  return true;
}

/** Problems that are met again in every round are not progress. */
function isChange(item: Item): boolean {
  return (
    item.failed !== true &&
    item.did !== 'unchanged' &&
    item.did !== 'skipped' &&
    item.did !== 'drained' &&
    item.did !== 'waiting'
  );
}

/** Exit codes of what may be otherwise in the next round. */
const PASSING: ReadonlySet<number> = new Set([EXIT.itemsFailed, EXIT.unreachable, EXIT.credentials, EXIT.busy]);

/**
 * One step with its heartbeat. Whatever ends it becomes an item, so that the other steps go on; what the next round
 * would meet again is told to `fail` as well. Only a store that does not answer ends the round.
 */
async function* guarded(
  ports: Ports,
  name: ChainStep,
  options: ChainOptions,
  { told, fail }: { readonly told: Sayings; readonly fail: (error: unknown) => void },
): Step {
  const outcome = new Outcome(name);
  ports.progress?.({ what: 'step', step: name, state: 'begun' });
  try {
    for await (const item of STEPS[name](ports, options)) {
      outcome.note(item);
      yield item;
    }
    // The host that registers is the one whose buffer fills.
    if (name === 'register') for (const { level } of ports.settings.buffers) told.add(await fillSaid(ports, level));
  } catch (thrown) {
    if (ports.stopping?.aborted) throw thrown;
    if (thrown instanceof StoreError && !(await answers(ports))) throw thrown;
    const error = ownError(thrown, undefined, UnreachableError);
    if (!(error instanceof DflowError) || !PASSING.has(error.exit)) fail(error);
    // Another instance does this step's work: nothing is wrong.
    const busy = error instanceof BusyError;
    const text = messageOf(error);
    outcome.threw(error);
    yield {
      kind: 'loop',
      ref: name,
      did: 'skipped',
      ...(busy ? {} : { failed: true }),
      text,
      ...(error instanceof DflowError && error.hint ? { next: error.hint } : {}),
    };
  }
  ports.progress?.({ what: 'step', step: name, state: outcome.text === 'ok' ? 'ended' : 'failed' });
  const word = await beatOf(ports, name, outcome);
  if (word) told.add(word);
}

/** True when the store can be asked: then its error was about one of its parts. */
async function answers({ store }: Ports): Promise<boolean> {
  return store.info().then(
    () => true,
    () => false,
  );
}
