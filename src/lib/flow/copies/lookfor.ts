// A look before anything is claimed: is the source there, is something at the destination already? Reads only, a few
// calls per batch; a dry run ends here and says the same as the real one would.
import { bufferSite, type CopyTask } from '../../domain/data/replicas.ts';
import type { Result } from '../../domain/data/slots.ts';
import type { Stat, Storage } from '../../storage.ts';
import { ItemError } from '../../util/errors.ts';
import { type At, sameBytes } from './removal/samebytes.ts';
import { placeOf, type Session } from './session.ts';
import { sameFile } from './sites.ts';

export interface Look {
  /** Tasks to claim; `there`: something is at the final path already. */
  readonly ready: readonly { readonly task: CopyTask; readonly there: boolean }[];
  /** Tasks that need no claim to be known as failed: the source is not what it should be. */
  readonly broken: readonly Result[];
}

/** Splits `tasks` by what is at both ends. Sites that cannot be reached are set aside and their tasks left out. */
export async function look(
  session: Session,
  tasks: readonly CopyTask[],
  hosts: ReadonlyMap<string, string>,
): Promise<Look> {
  const targets = await atSites(session, tasks, (task) => [task.to, task.path], whatIsThere);
  const sources = await atSites(session, tasks, (task) => [task.source.site, task.source.path], statAll);
  const ready: { task: CopyTask; there: boolean }[] = [];
  const broken: Result[] = [];
  for (const task of tasks.filter((one) => !session.sites.blocks(one))) {
    const there = targets.get(task.to)?.has(task.path) === true;
    const trusted = there || session.assumed.has(placeOf(task.source.site, task.source.path));
    const why = trusted ? undefined : wrongSource(task, sources.get(task.source.site)?.get(task.source.path));
    if (why === undefined) ready.push({ task, there });
    else if (isElsewhere(session, task, hosts.get(task.id)))
      sayElsewhere(session, hosts.get(task.id) ?? 'another host', task);
    else broken.push({ task, did: 'failed', why, fault: faultOf(task) });
  }
  return { ready, broken };
}

/** Which of the two a wrong source is. */
export function faultOf(task: CopyTask): 'original' | 'replica' {
  return task.source.site === bufferSite(task.level) ? 'original' : 'replica';
}

/** What is wrong with the source, by its size; `undefined` when nothing is. */
export function wrongSource({ file, source }: CopyTask, found: Stat | undefined): string | undefined {
  if (!found) return `${source.path} is no longer at ${source.site}`;
  if (found.size === file.size) return undefined;
  return `${source.path} at ${source.site} has ${found.size} bytes, ${file.size} were registered`;
}

/** On another host the buffer's files are another disk's: their absence says nothing about the original. */
function isElsewhere(session: Session, task: CopyTask, host: string | undefined): boolean {
  return faultOf(task) === 'original' && host !== undefined && host !== session.ports.host;
}

function sayElsewhere({ sites, ports }: Session, host: string, task: CopyTask): void {
  const text = `files of ${task.source.site} are on ${host}, this is ${ports.host}`;
  sites.say(`elsewhere ${host}`, {
    kind: 'storage',
    ref: task.source.site,
    did: 'skipped',
    text,
    next: `run the command on ${host}`,
  });
}

/** What `find` says of the paths that tasks have at each site. */
async function atSites<T>(
  session: Session,
  tasks: readonly CopyTask[],
  where: (task: CopyTask) => [string, string],
  find: (storage: Storage, paths: readonly string[]) => Promise<T>,
): Promise<Map<string, T>> {
  const paths = new Map<string, Set<string>>();
  for (const task of tasks) {
    const [site, path] = where(task);
    paths.set(site, (paths.get(site) ?? new Set()).add(path));
  }
  const found = new Map<string, T>();
  for (const [site, set] of paths) {
    const all = await session.sites.attempt(site, (storage) => find(storage, [...set]));
    if (all) found.set(site, all);
  }
  return found;
}

async function whatIsThere(storage: Storage, paths: readonly string[]): Promise<ReadonlySet<string>> {
  return (await storage.there?.(paths)) ?? new Set((await statAll(storage, paths)).keys());
}

/** One bad path (a folder in its place) must not hide the others: then each is asked for by itself. */
async function statAll(storage: Storage, paths: readonly string[]): Promise<Map<string, Stat>> {
  try {
    return await storage.stat(paths);
  } catch (error) {
    if (!(error instanceof ItemError) || paths.length === 1)
      return error instanceof ItemError ? new Map() : raise(error);
    const each = [];
    for (const path of paths) each.push(...(await statAll(storage, [path])));
    return new Map(each);
  }
}

function raise(error: unknown): never {
  throw error;
}

/**
 * What is to be made of a file that is at the destination already: adopted when its checksum and, where the original or
 * the source is on this machine, every byte is equal; else failed, never overwritten. The original itself, by another
 * name or a hard link, is not a copy.
 */
export async function adopt(session: Session, task: CopyTask): Promise<Result> {
  const { file, to, path, source } = task;
  const target = await session.sites.open(to);
  const local = target.localPath(path);
  const others = await Promise.all(
    [bufferSite(task.level), source.site].map((site) =>
      localPath(session, site, site === source.site ? source.path : file.path),
    ),
  );
  const next = `look at ${target.url(path)} and move it away`;
  for (const other of others) {
    if (local === undefined || other === undefined || !(await sameFile(session.ports.files, local, other))) continue;
    return { task, did: 'failed', why: `${path} at ${to} is ${other} itself, not a copy`, next };
  }
  const found = await target.checksum(path);
  const stated = `${found.size} bytes, adler32 ${found.adler32}`;
  if (found.adler32 !== file.adler32 || found.size !== file.size) {
    const why = `${path} at ${to} exists with other content: ${stated}; registered: ${file.size} bytes, ${file.adler32}`;
    return { task, did: 'failed', why, next };
  }
  const original = await atHand(session, task);
  if (!original || (await sameBytes(session.ports.files, [target, path], original))) return { task, did: 'adopted' };
  const [site, its] = original;
  const why = `${path} at ${to} exists with other bytes than ${its} at ${site.name}, though both have ${stated}`;
  return { task, did: 'failed', why, next };
}

/** A file on this machine that has the right bytes: the original on its buffer, else a mounted source. */
async function atHand({ sites, ports }: Session, { file, level, source }: CopyTask): Promise<At | undefined> {
  const raw = ports.settings.buffers.some((buffer) => buffer.level === level);
  const places = [...(raw ? [{ site: bufferSite(level), path: file.path }] : []), source];
  for (const { site, path } of places) {
    const at = await sites.attempt(site, async (storage): Promise<At | 'none'> => {
      const there = storage.localPath(path) !== undefined && (await statAll(storage, [path])).get(path);
      return there && there.size === file.size ? [storage, path] : 'none';
    });
    if (at && at !== 'none') return at;
  }
  return undefined;
}

async function localPath({ sites }: Session, site: string, path: string): Promise<string | undefined> {
  return sites.attempt(site, async (storage) => storage.localPath(path));
}
