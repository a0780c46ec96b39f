// The loops that the configuration plans for a host, beside the windows in which they run and their last rounds.
import type { LoopDoc } from '../../domain/farms/farm.ts';
import type { PlannedLoop } from '../../domain/farms/hostplan.ts';
import { loopOf, startPlanned } from '../../domain/farms/loops.ts';
import { loopId } from '../../domain/ids.ts';
import { humanDuration, type Iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import type { ReadPorts } from '../ports.ts';
import type { Row, Rows } from './look/row.ts';

/** A loop of this host. */
export interface ScreenRow extends Row<'screen'> {
  /** Command of dflow. */
  readonly command: string;
  /** Time between the beginnings of two rounds. */
  readonly every: string;
  readonly window: 'runs' | 'dead' | 'none' | 'off' | 'not planned';
  readonly pid?: number;
  /** When its last round ended. */
  readonly at?: Iso;
  /** How the last round ended: `ok`, or what went wrong. */
  readonly outcome?: string;
  readonly next?: string;
}

/** A window of the session, as tmux knows it. */
interface Seen {
  readonly name: string;
  readonly pid: number;
  readonly dead: boolean;
}

/** `ports`: absent where the store is away; then rounds are not told. */
export async function* screenRows(
  plan: readonly PlannedLoop[],
  windows: readonly Seen[],
  ports: ReadPorts | undefined,
): Rows<ScreenRow> {
  const host = ports?.host ?? '';
  const names = [...plan.map(({ name }) => name), ...windows.map(({ name }) => name)];
  const docs = await ports?.store.get<LoopDoc>(names.map((name) => loopId(host, name)));
  const seen = new Map(windows.map((window) => [window.name, window]));
  for (const planned of plan) {
    const doc = docs?.get(loopId(host, planned.name));
    yield {
      ...row(planned, seen.get(planned.name)),
      ...given({ at: doc?.plan?.at ?? doc?.at, outcome: doc?.outcome }),
    };
  }
  for (const { name, pid } of windows) {
    if (plan.some((planned) => planned.name === name)) continue;
    yield { kind: 'screen', ref: name, command: '', every: '', window: 'not planned', pid, next: stopping(name) };
  }
}

function row(planned: PlannedLoop, window: Seen | undefined): ScreenRow {
  const { name, run, every } = loopOf(planned);
  const state = window ? (window.dead ? 'dead' : 'runs') : planned.on ? 'none' : 'off';
  const missing = planned.on && state !== 'runs' ? startPlanned(name) : undefined;
  const next = !planned.on && window ? stopping(name) : missing;
  return {
    kind: 'screen',
    ref: name,
    command: run.join(' '),
    every: humanDuration(every),
    window: state,
    ...given({ pid: window?.pid, next }),
  };
}

function stopping(name: string): string {
  return `dflow screens stop ${name}`;
}
