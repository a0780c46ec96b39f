// Signs of life: every step, by loop, cron or hand, tells the store when it last ran on this host and how it ended.
import { SCHEMA } from '../../domain/doc.ts';
import type { LoopDoc, LoopPlan } from '../../domain/farms/farm.ts';
import { loopId } from '../../domain/ids.ts';
import type { Change } from '../../store.ts';
import { BusyError, DflowError, LoginError, messageOf, ReadOnlyStoreError, UsageError } from '../../util/errors.ts';
import { isRecent } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { say } from '../jobs/said.ts';
import type { Item, Ports, Step, StepOptions } from '../ports.ts';
import { settingHashes } from './settinghashes.ts';

/** Milliseconds between two heartbeats of a loop; a round may be much shorter. */
const BEAT = 20_000;

/** Tells every host that this step is alive. In a round of its loop the loop tells it, at the end. */
export async function beat(ports: Ports, loop: string, outcome: string, next?: string): Promise<void> {
  const word = await beatOf(ports, loop, { text: outcome, next });
  if (word) await say(ports, word);
}

/** What `beat` writes; nothing in a round of the step's own loop. */
export async function beatOf(
  ports: Ports,
  loop: string,
  { text: outcome, next }: Pick<Outcome, 'text' | 'next'>,
): Promise<Change<LoopDoc> | undefined> {
  return ports.loop === loop ? undefined : word(ports, loop, { outcome, ...given({ next }) });
}

/** The loop's own sign of life, with how it is meant to run. */
export async function beatLoop(
  ports: Ports,
  loop: string,
  said: Pick<LoopDoc, 'outcome' | 'next'>,
  plan: Omit<LoopPlan, 'at'>,
): Promise<void> {
  await say(ports, await word(ports, loop, said, plan));
}

async function word(
  { host, settings, store }: Ports,
  loop: string,
  said: Pick<LoopDoc, 'outcome' | 'next'>,
  plan?: Omit<LoopPlan, 'at'>,
): Promise<Change<LoopDoc>> {
  const at = await store.now();
  const doc: LoopDoc = {
    ...{ _id: loopId(host, loop), kind: 'loop', v: SCHEMA, host, loop, at, hash: settings.hash },
    settings: settingHashes(settings, host),
    ...said,
  };
  const change: Change<LoopDoc>['change'] = (last) => {
    if (last && isRecent(last.at, at, BEAT) && last.outcome === doc.outcome && !tellsMore(last, plan))
      return { skip: 'said a moment ago' };
    // A step that was run by hand says nothing about its loop.
    return { write: { ...doc, ...given({ plan: plan ? { ...plan, at } : last?.plan }) } };
  };
  return { id: doc._id, change };
}

/** A loop that starts, stops or ends otherwise says so at once. */
function tellsMore({ plan: last }: LoopDoc, plan: Omit<LoopPlan, 'at'> | undefined): boolean {
  if (!plan) return false;
  return !last || last.since !== plan.since || last.stopped !== plan.stopped || last.exit !== plan.exit;
}

/** Steps of which a failed item is one of the work, not of the step: it is counted among the jobs. */
const OF_JOBS: ReadonlySet<string> = new Set(['monitor', 'reset']);

/** Notes what a step says has failed, for its outcome. */
export class Outcome {
  private failed = 0;
  private first: Item | undefined;
  private hint: string | undefined;
  /** What ended the step. */
  error: string | undefined;
  constructor(private readonly loop: string) {}

  note(item: Item): void {
    if (!item.failed || (item.kind === 'job' && OF_JOBS.has(this.loop))) return;
    this.failed++;
    this.first ??= item;
  }

  /** Another running instance is not this host's failure. */
  threw(error: unknown): void {
    if (error instanceof BusyError) return;
    this.error = messageOf(error);
    this.hint = error instanceof DflowError ? error.hint : undefined;
  }

  /** The remedy that the failure names, where it is a command. */
  get next(): string | undefined {
    const next = this.error === undefined ? this.first?.next : this.hint;
    return typeof next === 'string' && /\bdflow [a-z]/.test(next) ? next : undefined;
  }

  /** `ok`, or what failed, in one line. */
  get text(): string {
    if (this.error !== undefined) return this.error;
    if (!this.first) return 'ok';
    const { ref, did, text } = this.first;
    const more = this.failed === 1 ? '' : ` (and ${this.failed - 1} more)`;
    return `${ref} ${did}${text ? `: ${text}` : ''}${more}`.slice(0, LONGEST);
  }
}

/** Characters of an outcome. */
const LONGEST = 300;

/** A step with its sign of life at the end, whatever that is. Another running instance is not this host's failure. */
export async function* beating(ports: Ports, loop: string, step: Step, options: StepOptions = {}): Step {
  const outcome = new Outcome(loop);
  let mistyped = false;
  let ended = false;
  try {
    for await (const item of step) {
      outcome.note(item);
      yield item;
    }
    ended = true;
  } catch (error) {
    // A person's slip on the command line is not a failure of the loop.
    mistyped = error instanceof UsageError;
    outcome.threw(error);
    throw error;
  } finally {
    if (!options.dryRun && !mistyped)
      await beat(ports, loop, outcome.text, outcome.next).catch((error) => told(error, ended));
  }
}

/** What is wrong with the store is said by the step itself, unless the step had nothing to write. */
function told(error: unknown, stepEnded: boolean): void {
  if (stepEnded && (error instanceof ReadOnlyStoreError || error instanceof LoginError)) throw error;
}
