// A dry run opens a batch system to look: it makes nothing, finds nothing where nothing is, and is the same one as ever.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { open } from '../../src/lib/backends/local/local.ts';
import type { FarmSettings } from '../../src/lib/domain/settings.ts';

const base = mkdtempSync(join(tmpdir(), 'dflow-looking-'));
afterAll(() => rmSync(base, { recursive: true, force: true }));

test('a local spool is not made by looking', async () => {
  const farm = { name: 'laptop', backend: 'local', slots: 1, options: {} } as unknown as FarmSettings;
  const folder = join(base, 'laptop');
  const context = (nonce: string) => ({ folder, uuid: 'u', nonce: () => nonce });
  const looked = await open(farm, { ...context('first'), looking: true });
  expect([await looked.alive(), await looked.records(9), await looked.status(['a.0'])]).toEqual([
    [],
    [],
    new Map([['a.0', { state: 'absent' }]]),
  ]);
  expect(existsSync(folder)).toBe(false);
  const made = await open(farm, context('second'));
  expect(existsSync(folder)).toBe(true);
  const again = await open(farm, { ...context('third'), looking: true });
  expect(await again.identity()).toEqual(await made.identity());
  expect((await looked.identity()).cluster).not.toBe((await made.identity()).cluster);
});
