// Removing a folder never leaves it, whoever swaps what lies in it meanwhile; scratch folders are nobody else's.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { removeFolder, removeFolderSync } from '../../../src/lib/util/files/remove.ts';
import { privateFolder, withScratch } from '../../../src/lib/util/files/scratch.ts';

let folder: string;
const { TMPDIR } = process.env;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'remove-'));
  process.env.TMPDIR = folder;
});
afterEach(() => {
  if (TMPDIR === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = TMPDIR;
  rmSync(folder, { recursive: true, force: true });
});

function tree(top: string): void {
  for (const below of ['a/b/c', 'd']) mkdirSync(join(top, below), { recursive: true });
  for (const name of ['f', 'a/f', 'a/b/c/f\n']) writeFileSync(join(top, name), '');
}

test('everything below goes, read-only folders too; links go, what they lead to stays', async () => {
  const [top, victim] = [join(folder, 'top'), join(folder, 'victim')];
  tree(top);
  tree(victim);
  chmodSync(join(top, 'a/b'), 0o500);
  symlinkSync(victim, join(top, 'd/link'));
  symlinkSync(join(victim, 'f'), join(top, 'file'));
  await removeFolder(top);
  expect(existsSync(top)).toBe(false);
  expect(readdirSync(victim).sort()).toEqual(['a', 'd', 'f']);
  symlinkSync(victim, top);
  removeFolderSync(top);
  expect(readdirSync(victim).length).toBe(3);
  removeFolderSync(top);
});

test('a folder that becomes a link while it is walked leads nowhere', async () => {
  const [top, victim] = [join(folder, 'top'), join(folder, 'victim')];
  tree(victim);
  for (let i = 0; i < 60; i++) {
    tree(join(top, `s${i}`));
    symlinkSync(victim, join(top, `l${i}`));
  }
  const swap = `
    const { renameSync } = require('node:fs');
    const top = require('node:worker_threads').workerData;
    require('node:worker_threads').parentPort.postMessage('');
    for (const end = Date.now() + 300; Date.now() < end; ) for (let i = 0; i < 60; i++) {
      const [s, l, x] = ['s', 'l', 'x'].map((one) => top + '/' + one + i);
      try { renameSync(s, x); renameSync(l, s); renameSync(x, l); } catch {}
    }`;
  const worker = new Worker(swap, { eval: true, workerData: top });
  await new Promise((resolve) => worker.once('message', resolve));
  const done = new Promise((resolve) => worker.once('exit', resolve));
  for (let round = 0; round < 50 && existsSync(top); round++) {
    try {
      removeFolderSync(top);
    } catch {
      // What was swapped while it was looked at is left to the next round.
    }
  }
  await done;
  expect(readdirSync(victim).sort()).toEqual(['a', 'd', 'f']);
});

test('a scratch folder lies in a folder that only its user may enter, and those of the dead are cleared away', async () => {
  const dead = join(privateFolder(), `999999999-1-${hostname().replace(/[^A-Za-z0-9.-]/g, '')}-abcdef`);
  const elsewhere = join(privateFolder(), '999999999-1-otherhost-abcdef');
  tree(dead);
  tree(elsewhere);
  const used = await withScratch(async (path) => {
    expect(dirname(path)).toBe(privateFolder());
    expect(lstatSync(privateFolder()).mode & 0o777).toBe(0o700);
    return path;
  });
  expect([used, dead, elsewhere].map(existsSync)).toEqual([false, false, true]);
});

test('what another user may have put in its place is not used', async () => {
  const own = privateFolder();
  chmodSync(own, 0o777);
  expect(() => privateFolder()).toThrow(/others may enter/);
  const path = await withScratch(async (path) => path);
  expect(dirname(path)).toBe(folder);
  rmSync(own, { recursive: true });
  symlinkSync('/', own);
  expect(() => privateFolder()).toThrow(/is not a folder/);
  chmodSync(folder, 0o777);
  expect(() => privateFolder()).toThrow(/everybody may rename/);
});
