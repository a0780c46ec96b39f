// flow: the picture of the chain with live counts. All of them are counts of views and what hosts last said; no document
// of a run or a pass is read.

import type { Settings } from '../../../domain/settings.ts';
import type { SampleDoc } from '../../../domain/storage/efficiency.ts';
import { allRequired } from '../../../domain/tables/tablegates.ts';
import { idsWith, type ReadStore } from '../../../store.ts';
import { DAY, type Iso, plus } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import { SHARES } from '../../../views/jobs.ts';
import type { ReadPorts } from '../../ports.ts';
import { standingOf, sum } from '../status/counts.ts';
import { status } from '../status/status.ts';
import { chainParts, type FlowCounts, hasFailed, type Third } from './boxes.ts';
import { boxesOf, type FlowPicture } from './picture.ts';
import { placed } from './stands.ts';

export async function flow(ports: ReadPorts): Promise<FlowPicture> {
  const at = await ports.store.now();
  const [page, counts] = await Promise.all([status(ports), flowCounts(ports, at)]);
  const third = thirdOf(ports.settings);
  const kinds = new Map(page.holds.map((hold) => [hold._id, hold.what]));
  const second: Third = (version, module) => !third(version, module);
  const failed = (
    [
      ['second', second],
      ['third', third],
    ] as const
  ).flatMap(([box, of]) => (hasFailed(page, of) ? box : []));
  const stands = placed(page.needYou, (id) => kinds.get(id), failed);
  return { experiment: page.experiment, at: page.at, boxes: boxesOf(chainParts(page, counts, third), stands) };
}

/** A module that needs another one belongs to the third pass; one that is not defined any more to the second. */
export function thirdOf({ modules }: Settings): Third {
  return (version, module) => (modules[version]?.modules[module]?.needs.length ?? 0) > 0;
}

async function flowCounts({ store, settings }: ReadPorts, at: Iso): Promise<FlowCounts> {
  const since = plus(at, -DAY);
  const [tables, first, ready, wake, ended, samples, outputs, bad] = await Promise.all([
    store.count(views.kinds, 2, { prefix: ['table'] }),
    standingOf(store, 'first-pass'),
    Promise.all(SHARES.map((share) => store.count(views.ready, 2, { prefix: [share, 'run'] }))),
    store.count(views.wake, 1),
    store.count(views.jobsByState, 1, { start: ['completed', since], end: ['completed', {}] }),
    store.range<SampleDoc>(idsWith('sample:')),
    outputsAt(store),
    store.count(views.outputCopies, 2),
  ]);
  const named = new Map(tables.map(({ key, value }) => [key[1], value]));
  const wakes = new Map(wake.map(({ key, value }) => [key[0], value]));
  return {
    tables: Object.fromEntries(
      (settings.tables.source === undefined ? allRequired(settings.tables) : []).map((name) => [
        name,
        named.get(name) ?? 0,
      ]),
    ),
    firstPassFailed: first.count,
    ready: sum(ready.flat()),
    waiting: wakes.get('on') ?? 0,
    cooling: wakes.get('at') ?? 0,
    completed: sum(ended),
    copied: samples.flatMap(({ hours }) => hours).reduce((all, one) => all + (one.hour >= since ? one.ok : 0), 0),
    outputs,
    badOutputs: sum(bad.filter(({ key }) => key[1] === 'bad')),
  };
}

/** Outputs at each storage element. */
async function outputsAt(store: ReadStore): Promise<Record<string, number>> {
  const groups = await store.count(views.checks, 2);
  return Object.fromEntries(groups.flatMap(({ key, value }) => (key[1] === 'output' ? [[key[0], value]] : [])));
}
