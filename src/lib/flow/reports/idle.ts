// What a step says that found nothing to do: what waits, for what, until when, and how it can be done now.
import { isCooling } from '../../domain/data/copyclaim.ts';
import type { DataDoc } from '../../domain/data/data.ts';
import type { Iso } from '../../util/time.ts';
import { views } from '../../views/index.ts';
import type { ReadPorts } from '../ports.ts';
import { many, sum } from './status/counts.ts';
import type { Reason } from './why/all/reason.ts';
import { runReasons } from './why/all/runs.ts';
import { sleeperReasons } from './why/all/sleepers.ts';

const NOTHING = 'nothing to do';

/** Documents read of what has failed: the next try of more of them is not much earlier. */
const ENOUGH = 500;

interface Cooling {
  readonly storage: string;
  readonly why: string;
  readonly retryAt: Iso;
}

export async function idleTransfer(ports: ReadPorts): Promise<string> {
  const { store, settings } = ports;
  const now = await store.now();
  const rows = await Promise.all(
    settings.storages.map(({ name }) => store.view(views.replicas, { prefix: [name, 'failed'], limit: ENOUGH })),
  );
  const docs = await store.get<DataDoc>([...new Set(rows.flat().map(({ id }) => id))]);
  const cooling = [...docs.values()].flatMap((doc) => coolingOf(doc, now));
  const [first] = cooling.toSorted((a, b) => (a.retryAt < b.retryAt ? -1 : 1));
  if (!first) return `${NOTHING}: no copy is missing that may be made`;
  const waiting = many(cooling.length, 'copy waits for its', 'copies wait for their');
  const { retryAt, why, storage } = first;
  return `${NOTHING}: ${waiting} next try at ${retryAt} (${why}, at ${storage}); now: dflow transfer --now`;
}

function coolingOf({ files }: DataDoc, now: Iso): Cooling[] {
  return files.flatMap(({ replicas }) =>
    Object.entries(replicas).flatMap(([storage, replica]) =>
      replica.state === 'failed' && isCooling(replica, now)
        ? { storage, why: replica.why, retryAt: replica.retryAt }
        : [],
    ),
  );
}

export async function idleSubmit(ports: ReadPorts): Promise<string> {
  const [first] = biggest(await sleeperReasons(ports));
  const later = await nextTry(ports);
  if (!first) return later === undefined ? `${NOTHING}: no job waits` : `${NOTHING}: ${later}`;
  const also = later === undefined ? '' : `; ${later}`;
  return `${NOTHING}: ${first.text} (${many(first.count, 'subjob', 'subjobs')})${also}. Next: dflow why --all`;
}

export async function idleRetry(ports: ReadPorts): Promise<string> {
  const later = await nextTry(ports);
  if (later === undefined) return `${NOTHING}: no selected job has failed. Next: dflow list jobs --state all`;
  return `${NOTHING}: no selected job has failed; ${later}; now: dflow retry --state held`;
}

export async function idleEnqueue(ports: ReadPorts): Promise<string> {
  const [first] = biggest(await runReasons(ports));
  if (!first) return `${NOTHING}: every complete run has its passes`;
  const { count, example, text, next } = first;
  return `${NOTHING}: ${many(count, 'run waits', 'runs wait')}, such as ${example} (${text}). Next: ${next}`;
}

const biggest = (reasons: readonly Reason[]): Reason[] => reasons.toSorted((a, b) => b.count - a.count);

/** `4 subjobs are tried again by themselves, the next at 2026-...` */
async function nextTry({ store }: ReadPorts): Promise<string | undefined> {
  const [groups, [first]] = await Promise.all([
    store.count(views.wake, 1, { prefix: ['at'] }),
    store.view(views.wake, { prefix: ['at'], limit: 1 }),
  ]);
  if (!first) return undefined;
  const count = many(sum(groups), 'subjob is tried again by itself', 'subjobs are tried again by themselves');
  return `${count}, the next at ${first.key[1]}`;
}
