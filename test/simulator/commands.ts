// The commands that simulated hosts run: the real flow, nothing of it replaced.
import type { FarmDoc } from '../../src/lib/domain/farms/farm.ts';
import type { HoldDoc } from '../../src/lib/domain/hold.ts';
import { refOf, requestId } from '../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import { cancel, putBackSelected, retry } from '../../src/lib/flow/jobs/operate.ts';
import type { Ports, Step } from '../../src/lib/flow/ports.ts';
import { why } from '../../src/lib/flow/reports/why/why.ts';
import { enqueue } from '../../src/lib/flow/steps/enqueue/enqueue.ts';
import { monitor } from '../../src/lib/flow/steps/monitor/monitor.ts';
import { type ReprocessOptions, reprocess } from '../../src/lib/flow/steps/reprocess/reprocess.ts';
import { giveUp, reset } from '../../src/lib/flow/steps/reset/reset.ts';
import { submit } from '../../src/lib/flow/steps/submit/submit.ts';
import { transfer } from '../../src/lib/flow/steps/transfer/transfer.ts';
import { pause, resume } from '../../src/lib/flow/switches/holds.ts';
import { idsWith } from '../../src/lib/store.ts';
import { BusyError } from '../../src/lib/util/errors.ts';
import { plus } from '../../src/lib/util/time.ts';
import type { Random } from './random.ts';
import { VERSION } from './scenery.ts';
import type { Command } from './world.ts';

/** With the lease most submits step back; without it they meet each other in everything that they do. */
async function* leased(ports: Ports, random: Random): Step {
  try {
    yield* submit(ports, { lease: random.chance(0.3) });
  } catch (error) {
    if (!(error instanceof BusyError)) throw error;
    yield { kind: 'farm', ref: ports.settings.farm, did: 'drained', text: error.message };
  }
}

const COMMANDS = {
  transfer: { name: 'transfer', step: (ports) => transfer(ports) },
  enqueue: { name: 'enqueue', step: (ports) => enqueue(ports) },
  submit: { name: 'submit', step: leased },
  monitor: { name: 'monitor', step: (ports) => monitor(ports) },
  reset: { name: 'reset', step: (ports) => reset(ports) },
} as const satisfies Record<string, Command>;

/** One round of a host's loops, in order. */
export const ROUND: readonly Command[] = [
  COMMANDS.transfer,
  COMMANDS.enqueue,
  COMMANDS.submit,
  COMMANDS.monitor,
  COMMANDS.reset,
];

/** How often each is started while faults are on: the delicate ones more. */
export const MIX: readonly Command[] = [
  COMMANDS.transfer,
  COMMANDS.transfer,
  COMMANDS.enqueue,
  COMMANDS.submit,
  COMMANDS.submit,
  COMMANDS.submit,
  COMMANDS.monitor,
  COMMANDS.monitor,
  COMMANDS.monitor,
  COMMANDS.reset,
  COMMANDS.reset,
];

const allJobs = (ports: Ports): Promise<JobDoc[]> => ports.store.range<JobDoc>(idsWith('job:'));

/** One pass at random, or none. */
async function anyJob(ports: Ports, random: Random): Promise<JobDoc[]> {
  const jobs = await allJobs(ports);
  return jobs.length === 0 ? [] : [random.pick(jobs)];
}

/** Requests that operators make, each always the same: repeating it continues it. */
const REQUESTS: readonly Omit<ReprocessOptions, 'version'>[] = [
  { name: 'r1', runs: [100], modules: ['Processing'] },
  { name: 'r2', runs: [100, 101], modules: ['Analysis'], prerequisite: 'new' },
  { name: 'r3', runs: [100], modules: ['Analysis'] },
];

function request(ports: Ports, options: Omit<ReprocessOptions, 'version'>): Step {
  return reprocess(ports, { version: VERSION, ...options });
}

/** Repeats every request that was begun. */
export const CONTINUE: Command = {
  name: 'continue',
  step: async function* (ports) {
    const begun = await ports.store.range(idsWith('request:'));
    for (const options of REQUESTS.filter(({ name }) => begun.some(({ _id }) => _id === requestId(name)))) {
      yield* request(ports, options);
    }
  },
};

/** What people type in between. */
export const OPERATORS: readonly Command[] = [
  {
    name: 'cancel',
    step: async function* (ports, random) {
      yield* cancel(ports, await anyJob(ports, random));
    },
  },
  {
    name: 'retry',
    step: async function* (ports) {
      yield* retry(ports, await allJobs(ports));
    },
  },
  {
    name: 'putback',
    step: async function* (ports, random) {
      yield* putBackSelected(ports, await anyJob(ports, random));
    },
  },
  {
    name: 'pause',
    step: async function* (ports, random) {
      const scope = random.chance(0.5) ? { modules: ['Analysis'] } : { sites: ['alpha'] };
      const until = plus(await ports.store.now(), random.spread(60_000, 20 * 3_600_000));
      yield* pause(ports, { what: 'pause', scope, why: 'tired', ...(random.chance(0.5) ? { until } : {}) });
    },
  },
  {
    name: 'reprocess',
    step: (ports, random) => request(ports, random.pick(REQUESTS)),
  },
  {
    name: 'unlock',
    step: async function* (ports, random) {
      const farms = await ports.store.range<FarmDoc>(idsWith('farm:'));
      yield* giveUp(ports, random.pick(farms));
    },
  },
  resumeCommand(),
];

function resumeCommand(): Command {
  return {
    name: 'resume',
    step: async function* (ports) {
      const holds = await ports.store.range<HoldDoc>(idsWith('hold:'));
      yield* resume(
        ports,
        holds.map((hold) => hold._id),
        'rested',
      );
    },
  };
}

/** Asks why about every pass that has not completed: a failed item where no gate is closed. */
export const WHY: Command = {
  name: 'why',
  step: async function* (ports) {
    const open = (await allJobs(ports)).filter((job) => job.state !== 'completed');
    for (const { run, module, pass } of open) {
      const text = refOf(run, module, pass);
      const [report] = await why(ports, { text, run, module, pass });
      const closed = report?.gates.filter((gate) => !gate.ok) ?? [];
      const told = closed.length > 0 && (report?.next.length ?? 0) > 0;
      yield {
        kind: 'job',
        ref: text,
        did: 'unchanged',
        failed: !told,
        text: closed.map((gate) => gate.text).join('; '),
      };
    }
  },
};

/** Opens every gate that a person can open. */
export const RESUME: Command = resumeCommand();
export const RETRY: Command = OPERATORS.find((command) => command.name === 'retry')!;
