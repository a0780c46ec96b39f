// How far the catalogue of the collaboration is behind, and why: for the status page and for `why`. It asks the store only.
import { type CatalogueDoc, catalogueId } from '../../../domain/catalogue/health.ts';
import { dueCopies, filesOf, type Holder } from '../../../domain/catalogue/parts.ts';
import { dataId, jobPrefix } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { Gate } from '../../../domain/jobs/readiness.ts';
import { idsWith } from '../../../store.ts';
import { between, humanAge, type Iso } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { views } from '../../../views/index.ts';
import type { ReadPorts } from '../../ports.ts';
import { many } from '../status/counts.ts';
import type { Attention } from '../status/page.ts';

const SYNC = 'dflow catalogue sync';

/** What a person must look at; nothing where no catalogue is configured, or where the next sync has the rest. */
export async function catalogueAttention(ports: ReadPorts, at: Iso): Promise<Attention[]> {
  const { catalogue } = ports.settings;
  if (!catalogue) return [];
  const [groups, doc] = await Promise.all([ports.store.count(views.catalogue, 2), healthOf(ports)]);
  const sumOf = (fits: (storage: string, what: string) => boolean): number =>
    groups.reduce((sum, { key, value }) => (fits(key[0], key[1]) ? sum + value : sum), 0);
  const due = sumOf((storage, what) => what === 'copy' && Object.hasOwn(catalogue.places, storage));
  const refused = sumOf((_, what) => what === 'refused');
  const found: Attention[] = [];
  const why = behind(ports, doc, at);
  if (due > 0 && why !== undefined)
    found.push({
      way: 'catalogue',
      text: `catalogue: ${many(due, 'copy', 'copies')} not yet registered, ${why}`,
      next: SYNC,
    });
  if (refused > 0) {
    const text = `catalogue: ${many(refused, 'file is', 'files are')} refused, for the catalogue has something else`;
    found.push({ way: 'catalogue-refused', text, next: 'dflow verify --catalogue' });
  }
  return found;
}

async function healthOf({ store, settings }: ReadPorts): Promise<CatalogueDoc | undefined> {
  const id = catalogueId(settings.catalogue?.kind ?? '');
  return (await store.get<CatalogueDoc>([id])).get(id);
}

/** Why what is due will not be told by itself, soon; `undefined`: it will. */
function behind({ settings }: ReadPorts, doc: CatalogueDoc | undefined, at: Iso): string | undefined {
  if (doc?.away) return `which cannot be told since ${doc.away.since}: ${doc.away.why}`;
  if (!doc) return 'and no host has ever told it';
  const silent = between(doc.at, at);
  // A call that had nothing to tell says nothing.
  return silent > 2 * settings.limits.stale ? `last told ${humanAge(doc.at, at)}` : undefined;
}

/** Gates of a run: what of its files the catalogue was not told, and what it refuses. */
export async function catalogueGates(ports: ReadPorts, run: number): Promise<Gate[]> {
  const { catalogue, buffers } = ports.settings;
  if (!catalogue) return [];
  const [raw, passes, doc, now] = await Promise.all([
    ports.store.get<Holder>(buffers.map(({ level }) => dataId(level, run))),
    ports.store.range<JobDoc>(idsWith(jobPrefix(run))),
    healthOf(ports),
    ports.store.now(),
  ]);
  const docs: Holder[] = [...raw.values(), ...passes];
  const known = (storage: string): boolean => Object.hasOwn(catalogue.places, storage);
  const due = docs.reduce((sum, doc) => sum + dueCopies(doc, filesOf(doc), known).length, 0);
  const why = behind(ports, doc, now);
  const [refused] = docs.flatMap((one) => Object.entries(one.catalogue?.refused ?? {}));
  const gates: Gate[] = [];
  if (due > 0) {
    const text = `${many(due, 'copy', 'copies')} not yet registered, ${why ?? 'the next dflow catalogue sync tells it'}`;
    gates.push({
      gate: 'catalogue',
      ok: why === undefined,
      text,
      ...(why ? { next: SYNC } : {}),
      ...given({ since: doc?.away?.since }),
    });
  }
  if (refused) {
    const [name, { why: text, since }] = refused;
    gates.push({
      gate: 'catalogue',
      ok: false,
      text: `${name}: ${text}`,
      since,
      next: `dflow verify --catalogue --repair --run ${run}`,
    });
  }
  return gates;
}
