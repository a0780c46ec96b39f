// get: outputs of passes into a folder of this machine. It reads the store and the storage elements, and changes neither.
// A file arrives under a temporary name, and has its own once its checksum is that of the catalogue.

import { publishedOutputs } from '../../../domain/data/outcopies.ts';
import { refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { Output } from '../../../domain/jobs/states.ts';
import { named } from '../../../domain/named.ts';
import { asideNow } from '../../../domain/storage/breaker.ts';
import { nearestFirst } from '../../../domain/storage/nearest.ts';
import type { Storage } from '../../../storage.ts';
import { parallel } from '../../../util/concurrency.ts';
import { ItemError, messageOf, UnreachableError } from '../../../util/errors.ts';
import { nth } from '../../../util/values/have.ts';
import { breakers } from '../../copies/breakers.ts';
import { activeHolds } from '../../jobs/openholds.ts';
import type { Item, ItemOf, Ports, Step } from '../../ports.ts';

export interface GetOptions {
  /** Types of outputs; absent: all. */
  readonly types?: readonly string[];
  /** Files that are other than the catalogue says are fetched anew. */
  readonly replace?: boolean;
  readonly dryRun?: boolean;
}

/** One output, and its copies in the order in which they are tried. */
interface Wanted {
  readonly ref: string;
  readonly run: number;
  readonly copies: readonly Output[];
}

/** Fetches the outputs of `jobs` into `to`. Items: `fetched`, `unchanged`, or failed. */
export async function* getOutputs(ports: Ports, jobs: readonly JobDoc[], to: Storage, options: GetOptions): Step {
  const all = await wanted(ports, jobs, options.types);
  yield* lacking(jobs, all, options.types);
  const there = await to.stat(all.map(nameOf));
  yield* parallel(all, ports.settings.transfer.parallel, async (one) => {
    const has = there.has(nameOf(one)) ? await to.checksum(nameOf(one)).catch(notAFile) : undefined;
    return getOne(ports, one, to, has, options);
  });
}

/** Where each output can be read. Items: `found`. */
export async function* listOutputs(ports: Ports, jobs: readonly JobDoc[], options: GetOptions): Step {
  const all = await wanted(ports, jobs, options.types);
  yield* lacking(jobs, all, options.types);
  for (const one of all) {
    const copy = nth(one.copies, 0);
    const storage = await ports.storage(copy.storage);
    yield { ...about(one), did: 'found', storage: copy.storage, url: storage.url(copy.path) };
  }
}

const nameOf = ({ copies }: Wanted): string => nth(copies, 0).name;

/** @throws UsageError for a type that no pass has */
async function wanted(ports: Ports, jobs: readonly JobDoc[], types: readonly string[] | undefined): Promise<Wanted[]> {
  const known = new Set(jobs.flatMap(({ outputs }) => Object.keys(outputs)));
  if (jobs.length > 0) for (const type of types ?? []) named('output type', type, known);
  const now = await ports.store.now();
  const holds = await activeHolds(ports.store, now);
  const broken = [...(await breakers(ports.store))].filter(([, doc]) => asideNow(doc, now)).map(([name]) => name);
  const off = holds.flatMap(({ what, scope }) => (what === 'storage' ? (scope.storages ?? []) : []));
  const order = ports.settings.storages.map(({ name }) => name);
  return jobs.flatMap((job) =>
    publishedOutputs(job).flatMap(({ copies, subjob }) => {
      const readable = nearestFirst(copies, order, new Set([...broken, ...off]));
      const [first] = readable;
      if (!first || (types && !types.includes(first.type))) return [];
      return { ref: refOf(job.run, job.module, job.pass, subjob), run: job.run, copies: readable };
    }),
  );
}

/** Passes that have none of the wanted files: a data set with holes must not look whole. */
function* lacking(jobs: readonly JobDoc[], all: readonly Wanted[], types: readonly string[] | undefined) {
  const has = new Set(all.map(({ ref }) => ref.replace(/\.\d+$/, '')));
  for (const { run, module, pass, state } of jobs) {
    const ref = refOf(run, module, pass);
    if (has.has(ref)) continue;
    const text = `is ${state}: no ${types?.join(' or ') ?? 'output'} can be read`;
    const item: Item = { kind: 'job', ref, did: 'failed', failed: true, text, next: `dflow why ${ref}` };
    yield item;
  }
}

async function getOne(
  ports: Ports,
  one: Wanted,
  to: Storage,
  has: { adler32: string; size: number } | 'other' | undefined,
  { replace, dryRun }: GetOptions,
): Promise<Item> {
  const copy = nth(one.copies, 0);
  const [name, path] = [copy.name, to.localPath(copy.name) ?? copy.name];
  if (has !== undefined && has !== 'other' && has.size === copy.size && has.adler32 === copy.adler32)
    return { ...about(one), did: 'unchanged', bytes: 0, text: path };
  if (has === 'other' || (has !== undefined && !replace)) {
    const text = `${path} is there already, with other content`;
    const next = has === 'other' ? `move it away: mv '${path}' '${path}.old'` : 'the same command with --replace';
    return { ...about(one), did: 'failed', failed: true, bytes: 0, text, next };
  }
  if (dryRun) return { ...about(one), did: 'fetched', dryRun, storage: copy.storage, bytes: copy.size, text: path };
  const wrong: string[] = [];
  for (const from of one.copies) {
    try {
      await fetched(await ports.storage(from.storage), from, to, ports.stopping);
      return { ...about(one), did: 'fetched', storage: from.storage, bytes: from.size, text: path };
    } catch (error) {
      if (!(error instanceof ItemError || error instanceof UnreachableError)) throw error;
      wrong.push(`${from.storage}: ${messageOf(error)}`);
    }
  }
  const text = `${name}: no copy could be read (${wrong.join('; ')})`;
  return { ...about(one), did: 'failed', failed: true, bytes: 0, text, next: `dflow list replicas ${one.ref}` };
}

/** Copies to a name of its own, compares, then renames. @throws ItemError for other bytes than those of the catalogue */
async function fetched(source: Storage, from: Output, to: Storage, signal: AbortSignal | undefined): Promise<void> {
  const part = `.${from.name}.part`;
  try {
    const local = to.localPath(part);
    if (local === undefined) throw new ItemError(`${part} has no place on this machine`);
    const sum = await source.copyOut(from.path, local, signal ? { signal } : {});
    if (sum.adler32 !== from.adler32 || sum.size !== from.size)
      throw new ItemError(`${sum.size} bytes, adler32 ${sum.adler32} instead of ${from.size}, ${from.adler32}`);
    await to.rename(part, from.name);
  } catch (error) {
    await to.remove([part]);
    throw error;
  }
}

function notAFile(error: unknown): 'other' {
  if (error instanceof ItemError) return 'other';
  throw error;
}

function about({
  ref,
  run,
  copies,
}: Wanted): Pick<ItemOf<'output'>, 'kind' | 'ref' | 'run' | 'file' | 'type' | 'size'> {
  const { name, type, size } = nth(copies, 0);
  return { kind: 'output', ref, run, file: name, type, size };
}
