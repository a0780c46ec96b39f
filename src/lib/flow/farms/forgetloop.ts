// A loop that is gone for good: its sign of life goes, and nobody misses it any more.
import type { LoopDoc } from '../../domain/farms/farm.ts';
import { goesOn, isLoop, loopState } from '../../domain/farms/loops.ts';
import { loopId } from '../../domain/ids.ts';
import { noSuchError } from '../../domain/named.ts';
import { idsWith, tookEffect } from '../../store.ts';
import { humanAge, type Iso } from '../../util/time.ts';
import type { Ports, Step } from '../ports.ts';

/** @throws UsageError no such loop is known */
export async function* forgetLoop(ports: Ports, name: string, host: string): Step {
  const { store, settings } = ports;
  const now = await store.now();
  const id = loopId(host, name);
  const outcome = await store.update<LoopDoc>(id, (doc) => {
    if (!doc) return { skip: 'unknown' };
    const state = isLoop(doc) ? loopState(doc, settings.hosts, now) : 'stopped';
    return goesOn(state) ? { skip: 'lives' } : { remove: true };
  });
  if (tookEffect(outcome)) yield { kind: 'loop', ref: id, did: 'forgotten', text: `${name} of ${host}` };
  else if (outcome.why === 'lives')
    yield { kind: 'loop', ref: id, did: 'kept', failed: true, ...living(outcome.doc, now) };
  else {
    const docs = await store.range<LoopDoc>(idsWith('loop:'));
    const known = docs.filter((doc) => doc.host === host).map(({ loop }) => loop);
    throw noSuchError('loop', name, known, { where: host });
  }
}

function living(doc: LoopDoc | undefined, now: Iso): { text: string; next?: string } {
  const { plan, host, loop } = doc ?? {};
  if (!plan) return { text: 'the loop lives' };
  const text = `${loop} on ${host} gave a sign of life ${humanAge(plan.at, now)} ago`;
  return { text: `${text}: stop it first`, next: `on ${host}: kill ${plan.pid}` };
}
