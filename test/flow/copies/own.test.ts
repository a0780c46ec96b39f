// What lies in a buffer and is dflow's own is never listed as a raw file; sidecars and ignored names are no failure.
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { closeBenches, quarantined, start } from '../../support/buffer.ts';

afterEach(closeBenches);

test('configuration, modules, store, .dflow and elements in the buffer are not listed, whatever they are called', async () => {
  const { bench, ports } = await start();
  const raw = join(bench.folder, 'raw');
  mkdirSync(join(raw, 'elements', 'se'), { recursive: true });
  symlinkSync(raw, join(bench.folder, 'other'));
  const element = (name: string, url: string) => ({
    name,
    protocol: 'posix',
    mounted: true,
    url,
    tape: false,
    template: '{name}',
    options: {},
  });
  const settings = {
    ...ports.settings,
    folder: join(bench.folder, 'other'),
    file: join(bench.folder, 'other', 'run7_0.dat'),
    store: 'sqlite:run8_0.dat',
    storages: [element('a', join(bench.folder, 'other', 'elements', 'se'))],
  };
  const inside = ['run7_0.dat', 'run8_0.dat', 'run8_0.dat-wal', 'modules/run2_0.dat', '.dflow/receipts/run3_0.dat'];
  for (const path of [...inside, 'elements/se/L1/0/run1_0.dat', 'deep/.dflow/run4_0.dat']) bench.put(path, 'own');
  bench.put('elements/run5_0.dat', 'raw');
  bench.put('sub/modules/run6_0.dat', 'raw');
  const items = await bench.register({ ...ports, settings });
  expect(items.filter(({ kind }) => kind === 'file').map(({ name }) => name)).toEqual(['run5_0.dat', 'run6_0.dat']);
  expect(await quarantined(ports)).toEqual({});
});

test('sidecars of raw files are no failure, packed raw files are data', async () => {
  const { bench, ports } = await start();
  for (const name of ['run1_0.dat', 'run1_0.dat.md5', 'run1_0.json', 'run1_0.dat.LOG', 'run2_0.txt'])
    bench.put(name, 'x');
  bench.put('run3_0.dat.gz', 'packed');
  bench.put('run_notes_2026.txt', 'who knows');
  expect((await bench.register(ports)).filter(({ failed }) => failed).map(({ name }) => name)).toEqual([
    'run3_0.dat.gz',
    'run_notes_2026.txt',
  ]);
});

test('`ignore` keeps names away, also some that match', async () => {
  const { bench, ports } = await start({ buffers: [{ ignore: ['*_9?.dat', 'run_notes*'] }] });
  for (const name of ['run1_0.dat', 'run1_99.dat', 'run_notes_2026.txt']) bench.put(name, 'x');
  const items = await bench.register(ports);
  expect(items.filter(({ kind }) => kind !== 'run').map(({ name }) => name)).toEqual(['run1_0.dat']);
});
