// Damage that one command has met is said by those that read only sound pages, until the file is checked or another one.
import { copyFileSync, existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Store } from '../../src/lib/store.ts';
import { open } from '../../src/lib/stores/sqlite/sqlite.ts';
import { noteDamage } from '../../src/lib/stores/sqlite/whole/damage.ts';
import { fresh, path, puts, setUp, tearDown } from '../support/sqlite.ts';

beforeEach(setUp);
afterEach(tearDown);

/** The test's store with a document. */
async function filled(): Promise<void> {
  const store = await fresh();
  await store.bulk(puts([{ _id: 'thing:1', kind: 'thing', v: 1 }]));
}

async function asked<T>(work: (store: Store) => Promise<T>): Promise<T> {
  const store = await open(`sqlite:${path}`, { write: false });
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

const remembered = () => asked(async (store) => (await store.remembered?.()) ?? []);

test('remembered for this file alone; a check that finds nothing forgets it', async () => {
  await filled();
  expect(await remembered()).toEqual([]);
  noteDamage(path, 'database disk\nimage is malformed');
  noteDamage(path, 'the second finding says less');
  const [fault] = await remembered();
  expect(fault).toMatchObject({ damage: true, next: expect.stringContaining('dflow store restore FILE') });
  expect(fault?.text).toMatch(/^the store is damaged, found \d{4}-.*Z: database disk image is malformed$/);

  copyFileSync(path, `${path}.sound`);
  renameSync(`${path}.sound`, path);
  expect(await remembered()).toEqual([]);

  noteDamage(path, 'again');
  expect(await remembered()).toHaveLength(1);
  expect(await asked(async (store) => store.check?.())).toEqual([]);
  expect(await remembered()).toEqual([]);
});

test('nothing is left beside a backup, which is not the store', async () => {
  await filled();
  const backup = join(path, '..', 'backup.db');
  copyFileSync(path, backup);
  noteDamage(backup, 'malformed');
  expect(existsSync(`${backup}-damaged`)).toBe(false);
  rmSync(backup);
});
