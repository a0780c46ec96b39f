// What the loop itself tells the store: that it begins, that it stops, and how a round ended that could not say so. The
// store is open for no longer than that: a loop lives for months.

import type { LoopDoc, LoopPlan } from '../../domain/farms/farm.ts';
import { loopId } from '../../domain/ids.ts';
import type { Settings } from '../../domain/settings.ts';
import { beatLoop } from '../../flow/farms/beat.ts';
import { hasEnded } from '../../util/processes/identity.ts';
import { plus, SECOND } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { type OpenPorts, openPorts } from '../ports.ts';
import { planOf } from './beats.ts';
import type { ToldRound } from './lines.ts';
import { busy } from './looplock.ts';
import type { LiveLoop } from './round.ts';

async function withStore<T>(settings: Settings, use: (ports: OpenPorts) => Promise<T>): Promise<T> {
  const ports = await openPorts(settings, { write: true, command: 'loop' });
  try {
    return await use(ports);
  } finally {
    await ports.close();
  }
}

/**
 * Says that the loop begins; answers what the store said before.
 * @throws BusyError the same loop lives, started from another folder
 */
export function noteBegin(settings: Settings, of: LiveLoop): Promise<LoopDoc | undefined> {
  return withStore(settings, async (ports) => {
    const id = loopId(ports.host, of.name);
    const last = (await ports.store.get<LoopDoc>([id])).get(id);
    const { holder, pid, since } = last?.plan ?? {};
    if (holder !== undefined && holder !== of.holder && hasEnded(holder) === false)
      throw busy(of.name, ports.host, { pid: pid ?? 0, since: since ?? '' });
    await note(ports, of, { outcome: last?.outcome ?? 'ok' }, of.every);
    return last;
  });
}

/** Takes the beginning back: a loop whose command line is wrong has never run. */
export function noteNever(settings: Settings, of: LiveLoop, before: LoopDoc | undefined): Promise<void> {
  return withStore(settings, async ({ store, host }) => {
    await store.update<LoopDoc>(loopId(host, of.name), (doc) => {
      if (doc?.plan?.pid !== of.pid || doc.plan.since !== of.since) return { skip: 'another process by now' };
      return before ? { write: before } : { remove: true };
    });
  });
}

/** Says how a round ended that could not say so itself. */
export function noteRound(settings: Settings, of: LiveLoop, { end, rest }: ToldRound, outcome: string): Promise<void> {
  const { took, exit } = end;
  return withStore(settings, (ports) => note(ports, of, { outcome }, rest, { took, ...given({ exit }) }));
}

/** Says that the loop was stopped: it is not missed. How its last round ended stays. */
export function noteStop(settings: Settings, of: LiveLoop): Promise<void> {
  return withStore(settings, async (ports) => {
    const stopped = await ports.store.now();
    const id = loopId(ports.host, of.name);
    const last = (await ports.store.get<LoopDoc>([id])).get(id);
    const { exit, took } = last?.plan ?? {};
    await note(ports, of, { outcome: last?.outcome ?? 'ok', ...given({ next: last?.next }) }, 0, {
      stopped,
      ...given({ exit, took }),
    });
  });
}

async function note(
  ports: OpenPorts,
  of: LiveLoop,
  said: Pick<LoopDoc, 'outcome' | 'next'>,
  rest: number,
  more: Partial<LoopPlan> = {},
): Promise<void> {
  const due = plus(await ports.store.now(), Math.max(rest, SECOND));
  await beatLoop(ports, of.name, said, { ...planOf(of), due, ...more });
}
