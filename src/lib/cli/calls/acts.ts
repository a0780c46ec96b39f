// Words and flags of commands that change something, as calls of the flow. The live screen does the same as the commands.

import type { HoldScope } from '../../domain/hold.ts';
import { STATE_SETS } from '../../domain/selection.ts';
import { retryFirstPass } from '../../flow/jobs/firstpass/retryfirstpass.ts';
import { retry } from '../../flow/jobs/operate.ts';
import type { Selected } from '../../flow/jobs/select.ts';
import type { Ports, Step, StepOptions } from '../../flow/ports.ts';
import { checkNames, pause } from '../../flow/switches/holds.ts';
import { UsageError } from '../../util/errors.ts';
import { given } from '../../util/values/given.ts';
import { apart, runsToSwitch, type SelectionInput, select } from '../arguments/selection.ts';
import { untilOf } from '../arguments/until.ts';

type RetryFlags = SelectionInput['flags'] & { readonly why?: string | undefined; readonly limit?: number | undefined };

/** The step that retries the chosen passes, and what is wrong with the choice. @throws UsageError */
export async function retryStep(
  ports: Ports,
  refs: readonly string[],
  flags: RetryFlags,
  options: StepOptions,
): Promise<{ readonly problems: Selected['problems']; readonly step: Step }> {
  // What the farm refused is held, and may be part of a pass of which the rest waits or runs.
  const states = flags.cause ? STATE_SETS.open : (['failed', 'partFail'] as const);
  const { first, rest } = await apart(ports, refs);
  const own = given({ why: flags.why, causes: flags.cause });
  const firstPass = retryFirstPass(ports, first.slice(0, flags.limit), { ...options, ...given({ why: flags.why }) });
  if (first.length > 0 && rest?.length === 0) return { problems: [], step: firstPass };
  const { jobs, subjobs, problems } = await select(ports, {
    refs,
    flags,
    states,
    needed: true,
    ...given({ read: rest }),
  });
  const passes = retry(ports, jobs.slice(0, flags.limit), { ...options, ...own, subjobs });
  return { problems, step: inTurn(firstPass, passes) };
}

async function* inTurn(...steps: readonly Step[]): Step {
  for (const step of steps) yield* step;
}

interface PauseFlags {
  readonly run?: readonly string[] | undefined;
  readonly module?: readonly string[] | undefined;
  readonly version?: readonly string[] | undefined;
  readonly site?: readonly string[] | undefined;
  readonly storage?: readonly string[] | undefined;
  readonly level?: readonly string[] | undefined;
  readonly request?: readonly string[] | undefined;
  readonly label?: readonly string[] | undefined;
  readonly all?: boolean;
  readonly why: string;
  readonly for?: string | undefined;
  readonly until?: string | undefined;
}

/** The scope that the flags name. @throws UsageError when they name none, and not everything */
export async function scopeOf(flags: PauseFlags): Promise<HoldScope> {
  const runs = flags.run ? (await runsToSwitch(flags.run)).ranges : undefined;
  const scope: HoldScope = given({
    runs,
    modules: flags.module,
    versions: flags.version,
    sites: flags.site,
    storages: flags.storage,
    levels: flags.level,
    requests: flags.request,
    labels: flags.label,
  });
  if (Object.keys(scope).length === 0 && !flags.all) {
    throw new UsageError('a selection or --all is required', { hint: 'dflow pause --site NAME --why TEXT' });
  }
  return scope;
}

/** @throws UsageError for a name that the configuration does not have, or an invalid time */
export async function pauseStep(
  ports: Ports,
  scope: HoldScope,
  flags: PauseFlags,
  options: StepOptions,
): Promise<Step> {
  await checkNames(ports, { sites: flags.site, storages: flags.storage, levels: flags.level, modules: flags.module });
  const end = untilOf(flags, await ports.store.now());
  const what = flags.storage ? 'storage' : 'pause';
  return pause(ports, { what, scope, why: flags.why, ...(end ? { until: end } : {}) }, options);
}
