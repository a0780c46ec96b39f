// A turn: the lease that one round of an exclusive loop holds, and the fence around everything that the round writes. A
// process that was stopped for longer than the lease finds, before its next write, that somebody else has it.
import { type Doc, SCHEMA } from '../../domain/doc.ts';
import type { LeaseDoc } from '../../domain/farms/farm.ts';
import { before, isHeld, waitingOn } from '../../domain/farms/turns.ts';
import { leaseId } from '../../domain/ids.ts';
import { type Change, type Store, tookEffect } from '../../store.ts';
import { BusyError } from '../../util/errors.ts';
import { between, humanAge, type Iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import type { Ports } from '../ports.ts';
import { standingLease } from './lease.ts';

export interface Turn {
  /** Grows with each holder. */
  readonly number: number;
  /** The store of the round: who has lost the turn writes nothing. */
  readonly store: Store;
  /** Renews in good time. @throws BusyError somebody else has it by now */
  renew(): Promise<void>;
  release(): Promise<void>;
}

/**
 * Takes the turn of the loops that share `name`. `clock`: milliseconds of this machine, which go on while it is stopped.
 * @throws BusyError another one holds it, or waits for longer
 */
export async function takeTurn(ports: Ports, name: string, clock: () => number): Promise<Turn> {
  const { store, settings, host, by, presence } = ports;
  const id = leaseId('loop', name);
  const nonce = ports.nonce();
  const { dead } = await standingLease(ports, id);
  const leave = await presence?.enter(nonce);
  try {
    const now = await store.now();
    const asking = { host, now, stale: settings.limits.stale, dead };
    const outcome = await store.update<LeaseDoc, string>(id, (old) => {
      const waiting = waitingOn(old, now);
      const held = old && isHeld(old, asking);
      const first = held ? undefined : before(old, asking);
      if (old && (held || first !== undefined)) {
        const own = { since: waiting[host]?.since ?? now, seen: now };
        return { write: { ...old, waiting: { ...waiting, [host]: own } }, note: first ?? '' };
      }
      const { [host]: _, ...others } = waiting;
      const ids = {
        _id: id,
        kind: 'lease',
        v: SCHEMA,
        what: 'loop',
        host,
        nonce,
        by,
        since: now,
        renewed: now,
      } as const;
      const { released: _released, holder: _holder, ...rest } = old ?? {};
      const doc = { ...rest, ...ids, number: (old?.number ?? 0) + 1, waiting: others };
      return { write: { ...doc, ...given({ holder: presence?.holder }) } };
    });
    const doc = outcome.doc;
    if (!tookEffect(outcome) || doc?.nonce !== nonce) throw busy(name, outcome.note, doc, now);
    return held(ports, doc, clock, leave);
  } catch (error) {
    await leave?.();
    throw error;
  }
}

function busy(name: string, first: string | undefined, doc: LeaseDoc | undefined, now: Iso): BusyError {
  const seen = doc ? `, last seen ${humanAge(doc.renewed, now)} ago` : '';
  const text = first ? `the next turn is that of ${first}` : `${doc?.by ?? 'another loop'} has the turn${seen}`;
  return new BusyError(`exclusive loop '${name}': ${text}`, { where: leaseId('loop', name) });
}

/** A turn that was taken over: nothing more is written. */
class LostError extends BusyError {}

function held(
  { store, settings }: Ports,
  { _id, nonce, number = 0, renewed: taken }: LeaseDoc,
  clock: () => number,
  leave: (() => Promise<void>) | undefined,
): Turn {
  const { stale } = settings.limits;
  let renewed = taken;
  // The clock of this machine goes on while its processes are stopped; the store's is asked before each write.
  let heard = clock();
  let lost: LostError | undefined;
  const lose = (): never => {
    lost ??= new LostError(`this round was stopped for too long and has lost its turn (${_id}, number ${number})`, {
      hint: 'the loop asks for the next turn by itself',
    });
    throw lost;
  };
  const renew = async (): Promise<void> => {
    if (lost) throw lost;
    const now = await store.now();
    if (between(renewed, now) < stale / 3) return;
    const outcome = await store.update<LeaseDoc>(_id, (doc) =>
      doc?.nonce === nonce && doc.released === undefined ? { write: { ...doc, renewed: now } } : { skip: 'taken over' },
    );
    if (!tookEffect(outcome)) lose();
    renewed = now;
    heard = clock();
  };
  // Between the last look at the lease and a decision the process may have been stopped.
  const check = (): void => {
    if (lost || clock() - heard > stale) lose();
  };
  return {
    number,
    renew,
    store: fencedStore(store, renew, check),
    async release() {
      try {
        const now = await store.now();
        await store.update<LeaseDoc>(_id, (doc) =>
          doc?.nonce === nonce ? { write: { ...doc, renewed: now, released: now } } : { skip: 'not ours' },
        );
      } finally {
        await leave?.();
      }
    },
  };
}

/** The store, which writes only after `renew` and while `check` does not throw. */
function fencedStore(store: Store, renew: () => Promise<void>, check: () => void): Store {
  const fenced =
    <D extends Doc, N>(change: Change<D, N>['change']): Change<D, N>['change'] =>
    (doc) => {
      check();
      return change(doc);
    };
  const writes: Pick<Store, 'update' | 'bulk'> = {
    async update(id, change) {
      await renew();
      return store.update(id, fenced(change));
    },
    async bulk(changes) {
      await renew();
      return store.bulk(changes.map((one) => ({ ...one, change: fenced(one.change) })));
    },
  };
  return new Proxy(store, {
    get(target, name) {
      const found: unknown = Reflect.get(writes, name) ?? Reflect.get(target, name, target);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}
