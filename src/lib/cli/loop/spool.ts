// The spool between `monitor poll` and `monitor apply`: of each farm the newest answer of its batch system, at most one
// that waits and one that is being applied. Written under another name and renamed, so that a file is whole or not there.

import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Item, Ports, Step, StepOptions } from '../../flow/ports.ts';
import { applyObservations, type Observation, parseObservation } from '../../flow/steps/monitor/monitor.ts';
import { BusyError, ItemError } from '../../util/errors.ts';
import { writing } from '../../util/files/ownfolder.ts';
import { removeFile } from '../../util/files/remove.ts';
import { syncFolder } from '../../util/files/sync.ts';
import { type Lock, tryLock } from '../../util/processes/lock.ts';
import { field } from '../../util/values/field.ts';
import { readBytes } from '../arguments/input.ts';

/** An answer that waits, one that is being applied, one that cannot be read. */
const WAITS = '.poll';
const TAKEN = '.taken';
const DAMAGED = '.damaged';

const digestOf = (body: string): string => createHash('sha256').update(body).digest('hex');
const fileOf = (site: string): string => encodeURIComponent(site).replaceAll('*', '%2A');

/** Puts an answer in place of the one that waits: each one tells of everything that is active. */
export function writeSpool(folder: string, site: string, observations: readonly Observation[]): Promise<Item> {
  const body = observations.map((seen) => `${JSON.stringify(seen)}\n`).join('');
  const head = JSON.stringify({ kind: 'poll', site, lines: observations.length, sha256: digestOf(body) });
  return writing(folder, async () => {
    const lock = await lockOf(folder, `${fileOf(site)}.lock`, `monitor poll --spool for ${site}`);
    try {
      const path = join(folder, fileOf(site));
      await writeWhole(`${path}.new`, `${head}\n${body}`);
      await rename(`${path}.new`, path + WAITS);
      await syncFolder(folder);
    } finally {
      lock.release();
    }
    const records = observations.filter(({ record }) => record).length;
    const text = `${observations.length} states, ${records} of them results, for dflow monitor apply --spool ${folder}`;
    return { kind: 'farm', ref: site, did: 'polled', asked: observations.length, text };
  });
}

async function lockOf(folder: string, name: string, what: string): Promise<Lock> {
  await mkdir(folder, { recursive: true });
  const lock = tryLock(join(folder, name));
  if (!lock) throw new BusyError(`${what} is already running`, { where: folder, hint: 'try again' });
  return lock;
}

async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Applies what the spool holds. A file is removed after its last line was applied, so that a stopped command goes on. */
export async function* applySpool(ports: Ports, folder: string, options: StepOptions): Step {
  const lock = await writing(folder, () => lockOf(folder, 'apply.lock', 'monitor apply --spool'));
  try {
    for (const path of await waiting(folder, options.dryRun === true)) {
      const found = await observationsIn(path);
      if (found instanceof ItemError) {
        yield await setAside(folder, path, found, options.dryRun === true);
        continue;
      }
      yield* applyObservations(ports, found, options);
      if (!options.dryRun) await removeFile(path);
    }
  } finally {
    lock.release();
  }
}

/** Files to apply, in order: first what an earlier call has taken and not finished. */
async function waiting(folder: string, look: boolean): Promise<string[]> {
  const names = (await readdir(folder)).sort();
  const left = names.filter((name) => name.endsWith(TAKEN));
  const fresh = names.filter((name) => name.endsWith(WAITS)).map((name) => name.slice(0, -WAITS.length));
  const paths = left.map((name) => join(folder, name));
  for (const name of fresh) {
    const path = join(folder, name);
    if (look) paths.push(path + WAITS);
    // The next call comes for it: an answer that waits is replaced by newer ones meanwhile.
    else if (!left.includes(name + TAKEN)) {
      await rename(path + WAITS, path + TAKEN);
      paths.push(path + TAKEN);
    }
  }
  return paths;
}

/** What a file holds, or what is wrong with it. */
async function observationsIn(path: string): Promise<Observation[] | ItemError> {
  const text = (await readBytes(path)).toString('utf8');
  const cut = text.indexOf('\n');
  try {
    const head: unknown = JSON.parse(text.slice(0, cut));
    const body = text.slice(cut + 1);
    if (field(head, 'kind') !== 'poll' || field(head, 'sha256') !== digestOf(body))
      return new ItemError('its checksum does not match its content');
    const rows = body.split('\n').filter((line) => line !== '');
    return rows.map((line, index) => parseObservation(line, index + 2, path));
  } catch (error) {
    return new ItemError('it is not an answer of dflow monitor poll', { cause: error });
  }
}

async function setAside(folder: string, path: string, wrong: ItemError, look: boolean): Promise<Item> {
  const name = path.slice(folder.length + 1).replace(/\.[a-z]+$/, '');
  const site = decodeURIComponent(name);
  const aside = join(folder, name + DAMAGED);
  if (!look) await rename(path, aside);
  const text = `an answer of its batch system cannot be read and is kept as ${aside}: ${wrong.message}; the next poll asks again`;
  const next = `dflow monitor poll --site ${site} --spool ${folder}`;
  return { kind: 'farm', ref: site, did: 'unreadable', failed: true, text, next };
}
