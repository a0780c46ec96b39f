// What a case of standing still is, and small changes that stage one.
import type { DataDoc, Replica } from '../../src/lib/domain/data/data.ts';
import { dataId } from '../../src/lib/domain/ids.ts';
import { MINUTE, plus } from '../../src/lib/util/time.ts';
import { HOUR, type Lines, type standingWorld, type World } from './standing.ts';

export interface Case {
  readonly way: string;
  /** More than one of a way. */
  readonly what?: string;
  readonly config?: Lines;
  readonly parts?: Parameters<typeof standingWorld>[1];
  stage(world: World): Promise<unknown> | unknown;
  /** What `why` is asked; `--all` where it is no one's. */
  readonly why: string;
  /** Part of the `Next:` that clears it. */
  readonly next: string | RegExp;
  /** Words that the printed command needs where nobody can be asked. */
  readonly yes?: boolean;
  /** What a person does where no command can, or before the command can. */
  clear?(world: World): Promise<unknown> | unknown;
}

export const lock = { site: 'here', epoch: 1, claim: 'nonce', index: 0 };
export const failure = { cause: 'exit-3', reason: 'exit 3', site: 'here', phase: 'payload', exit: 3 };

export async function setReplica(world: World, storage: string, replica: Replica): Promise<void> {
  await world.store.update<DataDoc>(dataId('L1', 1), (doc) => {
    const files = doc!.files.map((file) => ({ ...file, replicas: { ...file.replicas, [storage]: replica } }));
    return { write: { ...doc!, files, done: doc!.done.filter((name) => name !== storage) } };
  });
}

export async function setOriginal(
  world: World,
  original: DataDoc['files'][number]['original'],
  replicas?: object,
): Promise<void> {
  await world.store.update<DataDoc>(dataId('L1', 1), (doc) => {
    const files = doc!.files.map((file) => ({ ...file, original, ...(replicas ? { replicas: {} } : {}) }));
    return { write: { ...doc!, files, ...(replicas ? { done: [] } : {}) } };
  });
}

export async function getReplica(world: World): Promise<Replica> {
  return (await world.store.get<DataDoc>([dataId('L1', 1)])).get(dataId('L1', 1))!.files[0]!.replicas.a!;
}

export const loop = (world: World, name: string, at: string, outcome = 'ok') =>
  world.put({ _id: `loop:${world.host}:${name}`, kind: 'loop', host: world.host, loop: name, at, hash: 'h', outcome });

/** A loop of `dflow loop --every 1m`, and its last round. */
export const plannedLoop = (world: World, name: string, at: string, outcome: string, more: object = {}) => {
  const plan = { command: name, every: MINUTE, jitter: 0.1, pid: 4711, since: at, at, due: plus(at, MINUTE), ...more };
  const { host } = world;
  return world.put({ _id: `loop:${host}:${name}`, kind: 'loop', host, loop: name, at, hash: 'h', outcome, plan });
};

export const hold = (world: World, more: object) =>
  world.put({
    _id: 'hold:x',
    kind: 'hold',
    what: 'pause',
    scope: {},
    why: 'optics',
    by: 'ann@laptop',
    since: world.ago(HOUR),
    ...more,
  });

export const breaker = (world: World, until?: string) =>
  world.put({
    ...{ _id: 'storage:b', kind: 'storage', name: 'b' },
    causes: {
      unreachable: {
        failures: 1,
        since: world.ago(HOUR),
        why: 'no route',
        trips: until ? 1 : 0,
        ...(until ? { until } : {}),
      },
    },
  });
