// What a configuration that says nothing means. Times in milliseconds.
import { CHAIN_STEPS, type ChainStep } from '../../domain/farms/hostplan.ts';
import { MAX_RUN } from '../../domain/ids.ts';
import type { PolicyRule } from '../../domain/jobs/policyrule.ts';
import { CALIBRATION_TYPES, RUN_TYPES } from '../../domain/runs/runtypes.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../util/time.ts';

export const RUNS = {
  quiet: 10 * MINUTE,
  maxJump: 10_000,
  first: 0,
  last: MAX_RUN,
  late: 'show',
  types: RUN_TYPES,
  calibration: CALIBRATION_TYPES,
} as const;

export const BUFFER = { level: 'L1', closed: 'settled', settle: MINUTE, keep: 1 } as const;

export const TRANSFER = { parallel: 4, perStorage: 8, lease: 10 * MINUTE, retry: 5 * MINUTE } as const;

export const PURGE = { sampledAfter: DAY, trash: 30 * DAY } as const;

export const VERIFY = { fault: 0.3 } as const;

/** The alarms of SNO+: three hours running under 0.90, or a mean of six hours under 0.75. */
export const EFFICIENCY = { hours: 3, low: 0.9, meanHours: 6, mean: 0.75 } as const;

export const BREAKER = { failures: 3, aside: 15 * MINUTE } as const;

export const SITE_FAULT = { share: 0.5, minimum: 10, window: HOUR, hold: HOUR } as const;

export const LIMITS = {
  grace: MINUTE,
  submitting: 5 * MINUTE,
  giveUp: 48 * HOUR,
  stale: 30 * MINUTE,
  vanish: 0.2,
} as const;

/** Where a raw file goes below a storage element: thousands of runs in one folder are slow everywhere. */
export const TEMPLATE = '{level}/{run/1000}/{name}';

/** Steps of a host that the configuration does not name. */
export const LOOPS: readonly ChainStep[] = CHAIN_STEPS.filter((step) => step !== 'purge');

/**
 * Where a batch system's own word stands in the evidence: on a line of its own, or in brackets. A payload that prints
 * "timeout" in its text is not meant.
 */
const WORD = '(?:^|[\\n(])';

/** Where a job looks for what. */
export const OWN_SCRIPT = 'write your own script with ./ in front: ./NAME (dflow help modules)';

/** Causes that every experiment meets. Own rules stand before these; a failure that none matches is `exit-N`. */
export const POLICY: readonly PolicyRule[] = [
  { cause: 'disk-full', text: 'No space left on device', action: 'later', wait: 10 * MINUTE, tries: 3 },
  { cause: 'copy-failed', text: 'gfal-copy error: 70', action: 'later', wait: 10 * MINUTE, tries: 5 },
  {
    cause: 'connection-timed-out',
    text: 'error: 110 \\(Connection timed out\\)',
    action: 'later',
    wait: 10 * MINUTE,
    tries: 5,
  },
  { cause: 'db-no-route', text: 'No route to host', action: 'later', wait: 10 * MINUTE, tries: 3 },
  {
    cause: 'queue-full',
    phase: 'submit',
    text: 'accounting/QOS policy|would exceed MAX_JOBS',
    action: 'later',
    wait: 10 * MINUTE,
  },
  { cause: 'partition-down', phase: 'submit', text: 'partition not available', action: 'later', wait: 10 * MINUTE },
  { cause: 'refused', phase: 'submit', action: 'hold' },
  { cause: 'refused', text: `${WORD}refused PENDING`, action: 'hold' },
  {
    cause: 'out-of-memory',
    text: `${WORD}(OUT_OF_MEMORY|HOLD (3/101|34/))|oom_kill event`,
    action: 'more',
    of: 'memory',
  },
  {
    cause: 'time-limit',
    text: `${WORD}(TIMEOUT \\d+:|HOLD 3/102 )|DUE TO TIME LIMIT|before Slurm's time limit`,
    action: 'fail',
  },
  { cause: 'node-fail', text: `${WORD}(NODE_FAIL|BOOT_FAIL)`, action: 'retry', tries: 5 },
  { cause: 'preempted', text: `${WORD}(PREEMPTED|REMOVED evicted)`, action: 'retry', tries: 10 },
  { cause: 'canceled-outside', text: `${WORD}(CANCELLED|REMOVED via condor_rm|HOLD 1/)`, action: 'hold' },
  { cause: 'cannot-start', text: `${WORD}HOLD (6|7|12|13|14)/`, action: 'later', wait: 10 * MINUTE, tries: 3 },
  { cause: 'time-limit', phase: 'payload', text: 'ran past its limit', action: 'fail' },
  { cause: 'no-output', phase: 'outputs', action: 'fail' },
  // Python, Perl and R each say it in their own words; sh ends with 127.
  {
    cause: 'script-not-found',
    phase: 'payload',
    text: "can't open file '[^']*': \\[Errno 2\\]|Can't open perl script|Fatal error: cannot open file '",
    action: 'fail',
    advice: OWN_SCRIPT,
  },
  { cause: 'command-not-found', exit: [127], action: 'fail', advice: OWN_SCRIPT },
  { cause: 'not-executable', exit: [126], action: 'fail' },
  { cause: 'killed', exit: [137], action: 'retry' },
  { cause: 'killed', signal: [9], action: 'retry' },
  { cause: 'lost', phase: 'lost', action: 'retry' },
  { cause: 'stage-out', phase: 'stage-out', action: 'later', wait: 30 * SECOND, tries: 3 },
];
