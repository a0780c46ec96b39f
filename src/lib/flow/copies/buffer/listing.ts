// What lies in a buffer folder, sorted out from one listing: raw files with their numbers, open or closed; end markers;
// strange names. Pure, and knows nothing of what is registered.
import { isOwnPath } from '../../../domain/data/gone.ts';
import { type Settling, settling } from '../../../domain/data/settled.ts';
import { globMatch } from '../../../domain/hold.ts';
import { ABOUT, compilePattern, type Pattern } from '../../../domain/runs/pattern.ts';
import type { BufferSettings, Settings } from '../../../domain/settings.ts';
import type { Entry } from '../../../storage.ts';
import { type Iso, ms } from '../../../util/time.ts';

/** A file whose name matches the pattern of the level. */
export interface Found extends Entry {
  /** Last part of the path. */
  readonly name: string;
  readonly run: number;
  readonly subrun: number;
  /** The builder has finished it: a marker lies beside it, or it lay still between two looks. */
  readonly closed: boolean;
  /** Its times say that it is finished; a second look from then on may believe them. */
  readonly due?: Iso;
  /** It lies still, but its modification time cannot be true: why. */
  readonly odd?: string;
}

export interface Listing {
  /** By run, subrun, and then path. */
  readonly files: readonly Found[];
  readonly paths: ReadonlySet<string>;
  /** Look like data, but cannot be placed. */
  readonly strange: readonly Entry[];
  /** Files of a run that a copy program writes under another name. */
  readonly copying: readonly { readonly run: number; readonly name: string }[];
  /** Runs with an end marker. */
  readonly ended: ReadonlySet<number>;
}

export interface ListingRules {
  readonly buffer: BufferSettings;
  readonly pattern: Pattern;
  /** Patterns of the other levels, which may share the folder. */
  readonly others: readonly Pattern[];
  readonly endMarker?: Pattern;
  /** The store's clock before the listing began. */
  readonly now: Iso;
  /** Milliseconds without a new file after which a run ends. */
  readonly quiet: number;
  /** When this host first saw a file exactly as it lies now. */
  readonly seen: (entry: Entry) => Iso | undefined;
}

const MARKER = '_closed';
/** Names that editors and copy programs use while they write. */
const TEMPORARY = /^\.|[~]$|\.(tmp|temp|part|partial|filepart|swp|lock|bak)$/i;

/** @throws ConfigError when a pattern does not compile */
export function listingRules(
  settings: Settings,
  buffer: BufferSettings,
  now: Iso,
  seen: ListingRules['seen'],
): ListingRules {
  const { endMarker, quiet } = settings.runs;
  return {
    buffer,
    pattern: compilePattern(buffer.pattern),
    others: settings.buffers
      .filter((other) => other.pattern !== buffer.pattern)
      .map((other) => compilePattern(other.pattern)),
    ...(endMarker === undefined ? {} : { endMarker: compilePattern(endMarker) }),
    now,
    quiet,
    seen,
  };
}

/** Sorts out the entries of one listing of the buffer. */
export function sortOut(entries: readonly Entry[], rules: ListingRules): Listing {
  const paths = new Set(entries.map((entry) => entry.path));
  const files: Found[] = [];
  const strange: Entry[] = [];
  const copying: { run: number; name: string }[] = [];
  const ended = new Set<number>();
  for (const entry of entries) {
    if (isOwnPath(entry.path)) continue;
    const name = baseName(entry.path);
    const numbers = entry.raw || inHiddenFolder(entry.path) ? undefined : rules.pattern.parse(name);
    const end = rules.endMarker?.parse(name);
    if (isIgnored(name, rules)) continue;
    if (numbers) files.push({ ...entry, ...numbers, name, ...closing(entry, paths, rules) });
    else if (end) addIfBefore(ended, end.run, entry, rules.now);
    else if (isStrange(entry, name, rules)) strange.push(entry);
    else copying.push(...underCopy(entry, name, rules));
  }
  return { files: files.sort(inOrder), paths, strange, copying, ended };
}

export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

function closing(entry: Entry, paths: ReadonlySet<string>, rules: ListingRules): Pick<Found, 'closed' | 'due' | 'odd'> {
  if (rules.buffer.closed === 'marker') return { closed: paths.has(entry.path + MARKER) };
  return ofSettling(settling(entry, rules.seen(entry), { ...rules, settle: rules.buffer.settle }));
}

function ofSettling(state: Settling): Pick<Found, 'closed' | 'due' | 'odd'> {
  if (state.is === 'waiting') return { closed: false, due: state.due };
  return state.is === 'odd' ? { closed: false, odd: state.why } : { closed: state.is === 'settled' };
}

function hasSettled(entry: Entry, settle: number, now: Iso): boolean {
  return ms(entry.modified) <= ms(now) - settle;
}

/** Copy programs keep what is half done, and dflow what it threw away, in folders that begin with a dot. */
function inHiddenFolder(path: string): boolean {
  return path
    .split('/')
    .slice(0, -1)
    .some((part) => part.startsWith('.'));
}

/** `.run001.dat.Xy12Zw` (rsync), `run001.dat.part`, `.partial/run001.dat`: the run of a copy that is being written now. */
function underCopy(entry: Entry, name: string, { pattern, quiet, now }: ListingRules): Listing['copying'] {
  if (ms(entry.changed ?? entry.modified) <= ms(now) - quiet) return [];
  const plain = name.replace(/^\./, '').replace(/~$|\.\w+$/, '');
  const numbers = [name, name.replace(/^\./, ''), plain].map((text) => pattern.parse(text)).find((found) => found);
  return numbers && (plain !== name || inHiddenFolder(entry.path)) ? [{ run: numbers.run, name }] : [];
}

/** A listing takes a while: what was made after it began says nothing of files that the listing has missed. */
function addIfBefore(ended: Set<number>, run: number, entry: Entry, now: Iso): void {
  if (ms(entry.modified) <= ms(now)) ended.add(run);
}

/**
 * A file that no level places but that looks like data: a number in its name, or the beginning or ending of the
 * pattern. A README beside the data is nobody's business.
 */
function isStrange(entry: Entry, name: string, rules: ListingRules): boolean {
  if (entry.raw) return true;
  const hidden = entry.path.split('/').some((part) => part.startsWith('.'));
  if (hidden || TEMPORARY.test(name) || name.endsWith(MARKER)) return false;
  if (rules.others.some((other) => other.parse(name))) return false;
  if (rules.buffer.closed === 'settled' && !hasSettled(entry, rules.buffer.settle, rules.now)) return false;
  if (isSidecar(name, rules)) return false;
  const { prefix, suffix } = rules.pattern;
  return /\d/.test(name) || (prefix !== '' && name.startsWith(prefix)) || (suffix !== '' && name.endsWith(suffix));
}

/** The operator's own patterns: such a file is nobody's business, whatever its name. */
function isIgnored(name: string, { buffer }: ListingRules): boolean {
  return (buffer.ignore ?? []).some((glob) => globMatch(glob, name));
}

/** `run001.dat.md5`, `run001.json`: the name of a raw file and an ending, which the raw file may have outlived. */
function isSidecar(name: string, { pattern, others }: ListingRules): boolean {
  const stem = name.replace(ABOUT, '');
  if (stem === name) return false;
  return [pattern, ...others].some((one) => one.parse(stem) || one.parse(stem + one.suffix));
}

function inOrder(a: Found, b: Found): number {
  return a.run - b.run || a.subrun - b.subrun || a.path.length - b.path.length || (a.path < b.path ? -1 : 1);
}
