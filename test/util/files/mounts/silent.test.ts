// Folders that never answer, played by a `stat` that hangs when one of them is named.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { mayFallSilent } from '../../../../src/lib/util/files/mounts/mounts.ts';
import { locate, locateByName, relation } from '../../../../src/lib/util/files/mounts/nesting.ts';
import { silentOf } from '../../../../src/lib/util/files/mounts/silent.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dflow-silent-'));
  const stat = join(folder, 'stat');
  writeFileSync(stat, '#!/bin/sh\ncase "$*" in */dead*) exec sleep 600 ;; esac\nexit 1\n');
  chmodSync(stat, 0o755);
  vi.stubEnv('PATH', `${folder}:${process.env.PATH}`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

const mount = (type: string, point = '/mnt'): string => `1 1 0:42 / ${point} rw - ${type} server:/export rw`;

test('those that do not answer are named, and no others', async () => {
  const asked = ['/mnt/dead', '/mnt/well', '/mnt/dead/too'];
  expect([...(await silentOf(asked, mount('nfs4'), 300))]).toEqual(['/mnt/dead', '/mnt/dead/too']);
});

test('nothing is asked where nothing can fall silent, or every folder answers', async () => {
  expect((await silentOf(['/mnt/dead'], mount('ext4'), 300)).size).toBe(0);
  expect((await silentOf([], mount('nfs4'), 300)).size).toBe(0);
  expect((await silentOf(['/mnt/well'], mount('nfs4'))).size).toBe(0);
});

test('what may fall silent: a file server, a program; not the root of a virtual machine', () => {
  for (const type of ['nfs4', 'cifs', 'lustre', 'fuse', 'fuse.bindfs', '9p'])
    expect(mayFallSilent(mount(type))).toBe(true);
  for (const type of ['ext4', 'tmpfs', 'fusectl']) expect(mayFallSilent(mount(type))).toBe(false);
  expect(mayFallSilent(mount('9p', '/'))).toBe(false);
});

test('a silent folder is compared by its name and its mount', async () => {
  const mounts = `${mount('ext4', '/')}\n${mount('nfs4', '/dead')}`;
  const dead = locateByName('/dead/raw', mounts);
  expect(relation(locateByName('/dead/raw/store', mounts), dead)).toBe('below');
  expect(relation(await locate(folder, mounts), dead)).toBeUndefined();
});
