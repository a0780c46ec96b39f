// Makes documents again from raw files at storage elements and on the buffer. Pure. The content of most copies is believed;
// copies count as never checked, so that verify reads them first.

import { counted } from '../../util/text/counted.ts';
import type { Iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { groupBy } from '../../util/values/group.ts';
import { type DataDoc, type Original, type RawFile, type Replica, withDone } from '../data/data.ts';
import { guidOf, rawLfn } from '../data/identity.ts';
import { appendHistory, SCHEMA } from '../doc.ts';
import { dataId, runId } from '../ids.ts';
import { type Keep, keepRun } from '../runs/keep.ts';
import type { Pattern } from '../runs/pattern.ts';
import type { RunDoc } from '../runs/run.ts';
import type { Template } from '../storage/template.ts';

/** Never checked: before every time at which verify has looked at anything. */
export const NEVER: Iso = '1970-01-01T00:00:00.000Z';

/** Written in place of the receipt of a purged file. */
const NO_RECEIPT = 'not known: the store was rebuilt';

export interface Place {
  readonly level: string;
  readonly run: number;
  readonly subrun: number;
  readonly name: string;
}

/** A file that was found, with its checksum where it could be asked for. */
export interface FoundFile extends Place {
  /** A storage element; absent: the buffer. */
  readonly storage?: string;
  readonly path: string;
  readonly size: number;
  readonly modified: Iso;
  readonly changed?: Iso;
  readonly adler32?: string;
}

/** The file-name pattern and the keep rule of a level. */
export interface LevelNames {
  readonly level: string;
  readonly pattern: Pattern;
  readonly keep: number;
}

/** The places that a path at a storage element may mean: one, none for files of others, more where levels share names. */
export function placesOf(path: string, template: Template, levels: readonly LevelNames[]): Place[] {
  const parsed = template.parse(path);
  if (!parsed) return [];
  return levels.flatMap(({ level, pattern }): Place[] => {
    const { name } = parsed;
    const numbers = name === undefined ? undefined : pattern.parse(name);
    if (!numbers || name === undefined || (parsed.level ?? level) !== level) return [];
    const place = { level, ...numbers, name };
    return template.path(place) === path ? [place] : [];
  });
}

/** A file that is not as the others say, or that cannot be placed. */
export interface Left {
  readonly did: 'changed' | 'dark' | 'unreadable';
  readonly text: string;
}

export interface RebuiltFiles {
  readonly files: readonly RawFile[];
  readonly left: readonly Left[];
}

/** The raw files of one level and run. Files that lie on the buffer alone are left to register. */
export function rebuiltFiles(found: readonly FoundFile[], experiment: string, at: Iso): RebuiltFiles {
  const files: RawFile[] = [];
  const left: Left[] = [];
  const groups = groupBy(found, ({ subrun }) => subrun);
  for (const [, group] of [...groups].sort(([a], [b]) => a - b)) {
    if (group.every(({ storage }) => storage === undefined)) continue;
    const truth = mostSaid(group);
    if (truth === undefined) left.push(...group.map(unsummed));
    else {
      files.push(rawFile(truth, group, experiment, at));
      left.push(...group.flatMap((one) => leftText(one, truth)));
    }
  }
  return { files, left };
}

type Summed = FoundFile & { readonly adler32: string };

const contentOf = ({ name, size, adler32 }: FoundFile): string => `${size} ${adler32} ${name}`;

/** The content of most files; among equals that of the buffer, then that of the first element. */
function mostSaid(group: readonly FoundFile[]): Summed | undefined {
  const summed = group.filter((one): one is Summed => one.adler32 !== undefined);
  const votes = groupBy(summed, contentOf);
  const most = Math.max(0, ...[...votes.values()].map((one) => one.length));
  const best = summed.filter((one) => votes.get(contentOf(one))?.length === most);
  return best.find(({ storage }) => storage === undefined) ?? best[0];
}

function placeText({ storage, level, path }: FoundFile): string {
  return `${storage ?? `buffer ${level}`}:${path}`;
}

function unsummed(one: FoundFile): Left {
  return { did: 'unreadable', text: `${placeText(one)}: its checksum cannot be asked` };
}

function leftText(one: FoundFile, truth: Summed): Left[] {
  if (one.name !== truth.name) return [{ did: 'dark', text: `${placeText(one)}: the same subrun as ${truth.name}` }];
  if (one.adler32 === undefined) return [unsummed(one)];
  if (contentOf(one) === contentOf(truth)) return [];
  return [{ did: 'changed', text: `${placeText(one)}: ${otherContent(one, truth)}` }];
}

function otherContent({ size, adler32 }: FoundFile, truth: Summed): string {
  return `${size} bytes, adler32 ${adler32}; most copies: ${truth.size} bytes, ${truth.adler32}`;
}

function rawFile(truth: Summed, group: readonly FoundFile[], experiment: string, at: Iso): RawFile {
  const named = group.filter(({ name }) => name === truth.name);
  const originals = named.filter(({ storage }) => storage === undefined);
  const lies = originals.find((one) => contentOf(one) === contentOf(truth)) ?? originals[0];
  const { level, run, subrun, name, size, adler32 } = truth;
  const lfn = rawLfn(experiment, level, run, name);
  const copies = named.flatMap((one) =>
    one.storage === undefined || one.adler32 === undefined ? [] : [[one.storage, replica(one, truth, at)] as const],
  );
  return {
    name,
    path: lies?.path ?? name,
    ...{ subrun, size, adler32, lfn, guid: guidOf(experiment, lfn) },
    modified: lies?.modified ?? truth.modified,
    ...given({ changed: lies?.changed }),
    registered: at,
    late: false,
    original: original(lies, truth, at),
    replicas: Object.fromEntries(copies),
  };
}

function replica(one: FoundFile, truth: Summed, since: Iso): Replica {
  const { path } = one;
  if (contentOf(one) === contentOf(truth)) return { state: 'verified', attempt: 1, path, since, checkedAt: NEVER };
  return { state: 'bad', attempt: 1, path, since, why: otherContent(one, truth) };
}

function original(lies: FoundFile | undefined, truth: Summed, since: Iso): Original {
  if (!lies) return { state: 'purged', since, receipt: NO_RECEIPT };
  if (contentOf(lies) === contentOf(truth)) return { state: 'present' };
  return { state: 'changed', since, why: 'its copies have other content, found when the store was rebuilt' };
}

/** The document of a level and run with what was found; `undefined`: it has all of that already. */
export function withFound(
  doc: DataDoc | undefined,
  { level, run }: Pick<Place, 'level' | 'run'>,
  files: readonly RawFile[],
  by: { readonly at: Iso; readonly by: string; readonly host: string; readonly keep: number },
): DataDoc | undefined {
  const base = doc ?? emptyData(level, run, by.host, keepRun(run, by.keep));
  const known = new Map(base.files.map((file) => [file.subrun, file]));
  let changes = 0;
  for (const file of files) {
    const there = known.get(file.subrun);
    const same = there && there.size === file.size && there.adler32 === file.adler32 && there.name === file.name;
    if (there && !same) continue;
    const missing = Object.entries(file.replicas).filter(([name]) => there?.replicas[name] === undefined);
    if (there && missing.length === 0) continue;
    known.set(file.subrun, { ...(there ?? file), replicas: { ...there?.replicas, ...Object.fromEntries(missing) } });
    changes++;
  }
  if (changes === 0) return undefined;
  const to = `${counted(changes, 'file')} found`;
  const history = appendHistory(base.history, { at: by.at, to, by: by.by });
  return withDone({ ...base, files: [...known.values()].sort((a, b) => a.subrun - b.subrun), history });
}

function emptyData(level: string, run: number, host: string, keep: Keep): DataDoc {
  const lists = { files: [], done: [], history: [] };
  return { _id: dataId(level, run), kind: 'data', v: SCHEMA, level, run, keep, host, ...lists };
}

/** The run with levels that it did not have; register says which of them are complete. `undefined`: it has them. */
export function withLevels(
  doc: RunDoc | undefined,
  run: number,
  files: ReadonlyMap<string, number>,
  { at, by, to }: { readonly at: Iso; readonly by: string; readonly to: string },
): RunDoc | undefined {
  const fresh = [...files].filter(([level, count]) => count > 0 && !doc?.levels[level]);
  if (doc && fresh.length === 0) return undefined;
  const levels = fresh.map(([level, count]) => [level, { lastFile: at, late: [], files: count }] as const);
  const history = [{ at, to, by }];
  const base: RunDoc = doc ?? { _id: runId(run), kind: 'run', v: SCHEMA, run, levels: {}, firstSeen: at, history };
  return { ...base, levels: { ...base.levels, ...Object.fromEntries(levels) } };
}
