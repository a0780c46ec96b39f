// What is left of an experiment without its store: files at the storage elements, originals on the buffers, and result
// records of farms. Reads, never writes.

import { type FoundOutput, outputOf, type Recorded } from '../../../domain/rebuilt/passes.ts';
import { type FoundFile, type LevelNames, placesOf } from '../../../domain/rebuilt/rawfiles.ts';
import { compilePattern } from '../../../domain/runs/pattern.ts';
import { compileTemplate } from '../../../domain/storage/template.ts';
import type { Storage } from '../../../storage.ts';
import { mapLimit } from '../../../util/concurrency.ts';
import { ItemError, UnreachableError } from '../../../util/errors.ts';
import { orItemError } from '../../../util/systemerrors.ts';
import { shown } from '../../../util/text/names.ts';
import { given } from '../../../util/values/given.ts';
import { listingRules, sortOut } from '../../copies/buffer/listing.ts';
import { listBuffer } from '../../copies/buffer/own.ts';
import type { Item, Ports } from '../../ports.ts';
import { recorded } from './farms.ts';

export interface Gathered {
  readonly files: readonly FoundFile[];
  readonly outputs: readonly FoundOutput[];
  /** Of executions that ended well, by execution. */
  readonly records: ReadonlyMap<string, Recorded>;
  /** Number of records without outputs: their passes are not known. */
  readonly mute: number;
  /** Levels whose buffers are reached from here. */
  readonly levels: readonly string[];
  /** What could not be looked at. */
  readonly items: readonly Item[];
}

/** @throws UnreachableError an element cannot be listed. Without its outputs, passes that are done would run again. */
export async function gather(ports: Ports): Promise<Gathered> {
  const items: Item[] = [];
  const originals = await onBuffers(ports, items);
  const reached = new Set(originals.map(({ level }) => level));
  const { found, outputs } = await atElements(ports, reached, items);
  const at = new Set(found.map(placeOf));
  const needed = originals.flatMap(({ files }) => files).filter((file) => at.has(placeOf(file)));
  const files = await mapLimit([...found, ...needed], ports.settings.transfer.parallel, async (file) => {
    const storage = file.storage === undefined ? ports.buffer(file.level) : ports.storage(file.storage);
    return { ...file, ...(await sumOf(await storage, file.path)) };
  });
  const summed = await mapLimit(outputs, ports.settings.transfer.parallel, async (output) => {
    return { ...output, ...(await sumOf(await ports.storage(output.storage), output.path)) };
  });
  return { files, ...(await recorded(ports, summed, items)), levels: [...reached], items };
}

const placeOf = ({ level, run, subrun }: FoundFile): string => `${level} ${run} ${subrun}`;

/** Empty where the element cannot give the checksum of this file. */
async function sumOf(storage: Storage, path: string): Promise<{ readonly adler32?: string; readonly size?: number }> {
  const sum = await orItemError(path, () => storage.checksum(path));
  return sum instanceof ItemError ? {} : { adler32: sum.adler32, size: sum.size };
}

/** Files of the levels whose buffer is reached from here. */
async function onBuffers(ports: Ports, items: Item[]) {
  const now = await ports.store.now();
  const found: { readonly level: string; readonly files: FoundFile[] }[] = [];
  for (const buffer of ports.settings.buffers) {
    const { level } = buffer;
    try {
      const storage = await ports.buffer(level);
      const entries = await listBuffer(ports, storage, (path, why) =>
        items.push(unlisted(`buffer ${level}`, path, why)),
      );
      const { files } = sortOut(
        entries,
        listingRules(ports.settings, buffer, now, () => undefined),
      );
      const shape = ({ path, run, subrun, name, size, modified, changed }: (typeof files)[number]): FoundFile => {
        return { level, path, run, subrun, name, size, modified, ...given({ changed }) };
      };
      found.push({ level, files: files.map(shape) });
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      const text = `${level}: its raw files are not rebuilt here, since the buffer cannot be reached: ${error.message}`;
      const next = 'on the host of the buffer: dflow store rebuild';
      items.push({
        kind: 'storage',
        ref: `buffer ${level}`,
        did: 'skipped',
        failed: true,
        unreachable: true,
        text,
        next,
      });
    }
  }
  return found;
}

async function atElements(ports: Ports, reached: ReadonlySet<string>, items: Item[]) {
  const { buffers, storages } = ports.settings;
  const levels = buffers.map(
    ({ level, pattern, keep }): LevelNames => ({ level, pattern: compilePattern(pattern), keep }),
  );
  const found: FoundFile[] = [];
  const outputs: FoundOutput[] = [];
  for (const { name, template } of storages) {
    const compiled = compileTemplate(template);
    const element = await ports.storage(name);
    for await (const entry of element.list('', (path, why) => items.push(unlisted(name, path, why)))) {
      if (entry.raw) continue;
      const { path, size, modified } = entry;
      const output = outputOf(path);
      const places = output ? [] : placesOf(path, compiled, levels);
      const [place] = places;
      if (output) outputs.push({ ...output, storage: name, size, modified });
      else if (places.length > 1) items.push(ambiguous(name, path, places));
      else if (place && reached.has(place.level)) found.push({ ...place, storage: name, path, size, modified });
    }
  }
  return { found, outputs };
}

function unlisted(storage: string, path: string, why: ItemError): Item {
  const text = shown(`${path} cannot be looked at, so what is in it is not rebuilt: ${why.message}`);
  return { kind: 'storage', ref: storage, storage, did: 'unlisted', failed: true, text, next: 'dflow doctor' };
}

function ambiguous(storage: string, path: string, places: readonly { readonly level: string }[]): Item {
  const text = `its path may be of ${places.map(({ level }) => level).join(' and of ')}, so it is not rebuilt`;
  const next = 'dflow list replicas';
  return { kind: 'file', ref: `${storage}:${shown(path)}`, storage, path, did: 'dark', failed: true, text, next };
}
