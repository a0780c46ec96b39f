// What is started for a loop of this host: the program with full paths, since cron and systemd know no PATH of ours.

import type { PlannedLoop } from '../../../domain/farms/hostplan.ts';
import { loopOf, type RunningLoop } from '../../../domain/farms/loops.ts';

/** How dflow is started on this host. */
export interface Program {
  /** Path of node. */
  readonly node: string;
  /** Path of the program's script. */
  readonly script: string;
}

/** A loop of this host with its command line. */
export interface Launch extends RunningLoop {
  readonly on: boolean;
  readonly command: readonly string[];
}

export interface LaunchOptions {
  /** One round only, for cron. */
  readonly once?: boolean;
  /** On a host that the configuration does not name. */
  readonly here?: boolean;
}

export function launchOf(
  planned: PlannedLoop,
  config: string,
  { node, script }: Program,
  { once = false, here = false }: LaunchOptions = {},
): Launch {
  const flags = [...(once ? ['--once'] : []), ...(here ? ['--here'] : []), '--config', config, '--name', planned.name];
  return { ...loopOf(planned), on: planned.on, command: [node, script, 'loop', ...flags] };
}
