// Circuit breakers in the store: every host sees which storage elements are set aside, since when and why.
import { afterFailure, afterSuccess, asideNow, type BreakerDoc, breakerId } from '../../domain/storage/breaker.ts';
import { idsWith, type ReadStore } from '../../store.ts';
import type { Item, Ports, Step } from '../ports.ts';
import type { Sites } from './sites.ts';

/** Every breaker that knows of trouble, by storage element. */
export async function breakers(store: ReadStore): Promise<Map<string, BreakerDoc>> {
  const docs = await store.range<BreakerDoc>(idsWith('storage:'));
  return new Map(docs.filter(({ causes }) => Object.keys(causes).length > 0).map((doc) => [doc.name, doc]));
}

/** Sets aside what failed repeatedly; `asked`: elements that an operator named are tried all the same. */
export async function applyBreakers(ports: Ports, sites: Sites, asked: readonly string[] = []): Promise<void> {
  const now = await ports.store.now();
  for (const [name, doc] of await breakers(ports.store)) {
    const trouble = asideNow(doc, now);
    if (!trouble || asked.includes(name)) continue;
    sites.aside.add(name);
    const text = `set aside until ${trouble.until} (${trouble.cause} since ${trouble.since})`;
    sites.say(`breaker ${name}`, {
      kind: 'storage',
      ref: name,
      did: 'skipped',
      text,
      next: `dflow transfer --to ${name}`,
    });
  }
}

/** Writes down which elements worked and which failed in this call; says so when one is set aside by it. */
export async function* recordBreakers(
  ports: Ports,
  sites: Sites,
  worked: ReadonlySet<string>,
  known: ReadonlyMap<string, BreakerDoc>,
): Step {
  for (const [name, doc] of known) {
    if (!worked.has(name) && !(await answersAgain(sites, name, doc))) continue;
    if (sites.failures.has(name)) continue;
    await ports.store.update<BreakerDoc>(breakerId(name), (doc) => {
      const next = afterSuccess(doc);
      return next ? { write: next } : { skip: 'no trouble' };
    });
  }
  for (const [name, failure] of sites.failures) {
    if (ports.settings.storages.some((storage) => storage.name === name)) yield* trip(ports, name, failure);
  }
}

/** An element that had nothing to do in this call is asked: its trouble must end without a copy. */
async function answersAgain(sites: Sites, name: string, { causes }: BreakerDoc): Promise<boolean> {
  if (causes.full || sites.failures.has(name)) return false;
  return (await sites.attempt(name, (element) => element.stat(['.dflow-is-it-there']))) !== undefined;
}

async function* trip(ports: Ports, name: string, failure: Parameters<typeof afterFailure>[2]): Step {
  const now = await ports.store.now();
  const outcome = await ports.store.update<BreakerDoc>(breakerId(name), (doc) => ({
    write: afterFailure(doc, name, failure, ports.settings.breaker, now),
  }));
  const trouble = asideNow(outcome.doc, now);
  if (!trouble) return;
  const text = `failed ${trouble.failures} times in a row (${trouble.cause}): set aside until ${trouble.until}`;
  const item: Item = { kind: 'storage', ref: name, did: 'aside', failed: true, until: trouble.until, text };
  yield { ...item, cause: trouble.cause, next: `dflow why ${name}` };
}
