// Raw files that the catalogue of the collaboration knows, taken into dflow's documents. Pure.
import type { Iso } from '../../util/time.ts';
import { type DataDoc, fileOf, type RawFile } from '../data/data.ts';
import { guidOf, rawLfn } from '../data/identity.ts';
import type { LevelNames } from '../rebuilt/rawfiles.ts';
import type { RunDoc } from '../runs/run.ts';
import { scopeOf } from './decide.ts';

/** Written in place of the receipt of a file that was never on a buffer here. */
const NO_RECEIPT = 'not known: imported from the catalogue';

export interface Numbers {
  readonly level: string;
  readonly run: number;
  readonly subrun: number;
}

/** The raw file that a name of a scope means; `undefined`: none, or more than one. */
export function numbersOf(
  name: string,
  levels: readonly LevelNames[],
  scope: { readonly name: string; readonly pattern: string; readonly experiment: string },
): Numbers | undefined {
  const found = levels.flatMap(({ level, pattern }): Numbers[] => {
    const numbers = pattern.parse(name);
    return numbers && scopeOf(scope.pattern, scope.experiment, level) === scope.name ? [{ level, ...numbers }] : [];
  });
  return found.length === 1 ? found[0] : undefined;
}

/** A file as the catalogue has it. */
interface There {
  readonly name: string;
  readonly size: number;
  readonly adler32?: string;
  readonly guid?: string;
}

/** Why dflow's document has no place for the file. */
export function clash(doc: DataDoc | undefined, { subrun }: Numbers, there: There): string | undefined {
  const known = fileOf(doc, subrun);
  if (!known) return there.adler32 === undefined ? 'the catalogue has no adler32 to compare with' : undefined;
  if (known.name !== there.name) return `dflow has ${known.name} as subrun ${subrun} of this run`;
  const sum = there.adler32 ?? known.adler32;
  if (known.size === there.size && known.adler32 === sum) return undefined;
  return `the catalogue has ${there.size} bytes with adler32 ${sum}, dflow ${known.size} with ${known.adler32}`;
}

/** A copy whose bytes were read. */
export interface ReadCopy {
  readonly storage: string;
  readonly path: string;
  readonly size: number;
  readonly adler32: string;
  readonly modified: Iso;
}

/** The file with the copies that were read; all of them have the same bytes. */
export function adopted(
  { level, run, subrun }: Numbers,
  { name, guid }: There,
  copies: readonly [ReadCopy, ...ReadCopy[]],
  { at, experiment, late }: { readonly at: Iso; readonly experiment: string; readonly late: boolean },
): RawFile {
  const [{ size, adler32, modified }] = copies;
  const lfn = rawLfn(experiment, level, run, name);
  const replicas = copies.map(({ storage, path }) => {
    return [storage, { state: 'verified', attempt: 1, path, since: at, checkedAt: at }] as const;
  });
  return {
    ...{ name, path: name, subrun, size, adler32, guid: guid ?? guidOf(experiment, lfn), lfn, modified, late },
    ...{ registered: at, original: { state: 'purged', since: at, receipt: NO_RECEIPT } },
    replicas: Object.fromEntries(replicas),
  };
}

/** True when the level of the run was complete without this subrun. */
export function isLate(run: RunDoc | undefined, { level, subrun }: Numbers): boolean {
  return run?.levels[level]?.complete?.subruns.includes(subrun) === false;
}
