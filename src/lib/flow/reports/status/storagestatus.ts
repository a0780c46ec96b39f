// What of the storage a person should look at: elements that the configuration no longer has, that fail or are set
// aside, copies that fail or are bad, originals that are not what they were.

import { parseJobId, refOf } from '../../../domain/ids.ts';
import type { BreakerDoc } from '../../../domain/storage/breaker.ts';
import type { Group, GroupOf, ReadStore } from '../../../store.ts';
import { together } from '../../../util/concurrency.ts';
import { type Iso, plus } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import type { Way } from '../../../views/standing.ts';
import type { ReadPorts } from '../../ports.ts';
import { many, type Some, standingOf, sum } from './counts.ts';
import type { Attention, StatusPage } from './page.ts';

export interface StorageFacts {
  readonly page: Pick<StatusPage, 'storage'>;
  /** Files by element and state, those of elements that are not configured among them. */
  readonly replicas: readonly GroupOf<typeof views.replicas, 2>[];
  readonly troubles: ReadonlyMap<string, BreakerDoc>;
}

export function storageAttention(ports: ReadPorts, at: Iso, facts: Promise<StorageFacts>): Promise<Attention[]> {
  return together(elementAttention(ports, facts), outputAttention(ports.store), fileAttention(ports, at));
}

async function elementAttention(ports: ReadPorts, asked: Promise<StorageFacts>): Promise<Attention[]> {
  const [copies, facts] = await Promise.all([ports.store.count(views.outputCopies, 2), asked]);
  const { storage } = facts.page;
  const found = [...strangers(ports, [...facts.replicas, ...copies]), ...failing(facts)];
  for (const { name, states } of storage.filter((row) => (row.states.failed ?? 0) > 0))
    found.push({
      way: 'copies-failed',
      text: `failed copies to ${name}: ${states.failed}`,
      next: `dflow why ${name}`,
    });
  const bad = storage.reduce((total, { states }) => total + (states.bad ?? 0), 0);
  if (bad > 0) found.push({ way: 'copies-bad', text: `bad copies: ${bad}`, next: 'dflow verify --repair' });
  const broken = sum(copies.filter(({ key }) => key[1] === 'bad'));
  if (broken > 0)
    found.push({ way: 'copies-bad', text: `bad copies of outputs: ${broken}`, next: 'dflow verify --repair' });
  return found;
}

/** Elements that the configuration does not have, with the number of their copies. */
function strangers({ settings }: ReadPorts, groups: readonly Group<[string, string]>[]): Attention[] {
  const known = new Set(settings.storages.map(({ name }) => name));
  const counts = new Map<string, number>();
  for (const { key, value } of groups) {
    const name = key[0];
    if (!known.has(name)) counts.set(name, (counts.get(name) ?? 0) + value);
  }
  return [...counts].map(([name, count]) => {
    const text = `${many(count, 'copy is', 'copies are')} catalogued at ${name}, which the configuration does not have`;
    return { way: 'element-unknown', text, next: `dflow list replicas --storage ${name}` };
  });
}

/** Elements that did not answer or were full when they were last used: one failure is enough to be said. */
function failing({ page, troubles }: StorageFacts): Attention[] {
  return page.storage.flatMap(({ name, state }): Attention[] => {
    if (state.startsWith('breaker'))
      return [{ way: 'element-aside', text: `${name} is set aside: ${state}`, next: `dflow why ${name}` }];
    const [first] = Object.entries(troubles.get(name)?.causes ?? {});
    if (!first) return [];
    const [cause, { since, why }] = first;
    return [{ way: 'element-fails', text: `${name} ${cause} since ${since}: ${why}`, next: `dflow why ${name}` }];
  });
}

async function outputAttention(store: ReadStore): Promise<Attention[]> {
  const [copies, left] = await Promise.all([standingOf(store, 'output-copy'), standingOf(store, 'undeleted')]);
  return [
    ...one(
      'output-copy',
      copies,
      (ref) => `${many(copies.count, 'pass has', 'passes have')} outputs whose copy failed: ${ref}`,
    ),
    ...one(
      'undeleted',
      left,
      (ref) => `${many(left.count, 'pass has', 'passes have')} deleted outputs whose bytes are left: ${ref}`,
    ),
  ];
}

function one(way: string, { first }: Some, text: (ref: string) => string): Attention[] {
  const job = first && parseJobId(first.id);
  if (!job) return [];
  const ref = refOf(job.run, job.module, job.pass);
  return [{ way, text: text(ref), next: `dflow why ${ref}` }];
}

/** Raw files: changed, lost, and claimed by somebody who has ended. */
function fileAttention({ store, settings }: ReadPorts, at: Iso): Promise<Attention[]> {
  const say = async (way: Way, words: (count: number) => string, before?: Iso): Promise<Attention[]> => {
    const { count, first } = await standingOf(store, way, before);
    if (!first) return [];
    const run = refOf(Number(first.what));
    return [{ way, text: `${words(count)}: run ${run}`, next: `dflow why ${run}` }];
  };
  return together(
    say('changed', (n) => `${many(n, 'original has', 'originals have')} changed since registration`),
    say('lost', (n) => `${many(n, 'file has', 'files have')} no good copy that is known`),
    say('copying', (n) => `${many(n, 'copy is', 'copies are')} claimed by a transfer that has ended`, at),
    say(
      'purging',
      (n) => `${many(n, 'original is', 'originals are')} claimed by a purge that has ended`,
      plus(at, -2 * settings.limits.stale),
    ),
  );
}
