// A folder for what only passes through this machine. Below the system's temporary folder: TMPDIR says where. Its name
// says whose it is, so that what a killed process has left is removed by the next one of this host.
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { isGone } from './processes.ts';

const lead = (): string => `dflow-scratch-${hostname().replace(/[^A-Za-z0-9.-]/g, '')}-`;
let swept: Promise<void> | undefined;

/** Where links and other things of no size are made: in memory, where there is such a folder. */
const MEMORY = '/dev/shm';

function placeOf(light: boolean): string {
  if (!light || process.env.TMPDIR) return tmpdir();
  try {
    accessSync(MEMORY, constants.W_OK);
    return MEMORY;
  } catch {
    return tmpdir();
  }
}

/** Runs `use` with a new folder, which is removed afterwards; `light`: for many things of no size. */
export async function withScratch<T>(use: (folder: string) => Promise<T>, light = false): Promise<T> {
  swept ??= Promise.all([sweep(tmpdir()), sweep(MEMORY)]).then(() => undefined);
  await swept;
  const folder = await mkdtemp(join(placeOf(light), `${lead()}${process.pid}-`));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Removes the folders of processes that have ended. What cannot be removed (another user's) stays. */
async function sweep(place: string): Promise<void> {
  const names = await readdir(place).catch(() => []);
  for (const name of names.filter((one) => one.startsWith(lead()))) {
    const pid = Number(name.slice(lead().length).split('-')[0]);
    if (!(pid > 0) || !isGone(pid)) continue;
    await rm(join(place, name), { recursive: true, force: true }).catch(() => undefined);
  }
}
