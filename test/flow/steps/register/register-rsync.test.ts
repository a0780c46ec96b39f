// A real rsync that is interrupted: what it leaves under the final name is never registered, what it finishes is.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { HOUR } from '../../../../src/lib/util/time.ts';
import { closeBenches, dataDoc, deeds, quarantined, start } from '../../../support/buffer.ts';

afterEach(closeBenches);

const BYTES = 4_000_000;
const there = spawnSync('rsync', ['--version']).status === 0;
const name = there ? 'rsync -aP, interrupted and finished' : 'SKIPPED, no rsync here: apt-get install rsync';

async function until(holds: () => unknown): Promise<void> {
  while (!holds()) await new Promise((go) => setTimeout(go, 20));
}

test.skipIf(!there)(name, async () => {
  const { bench, ports } = await start({ buffers: [{ pattern: 'run{run}_{subrun}.dat' }] });
  bench.clock = Date.now() + HOUR;
  const raw = bench.settings.buffers[0]!.path;
  const source = join(bench.folder, 'source');
  mkdirSync(source);
  const file = join(source, 'run1_0.dat');
  writeFileSync(file, Buffer.alloc(BYTES, 'data'));
  utimesSync(file, new Date(Date.now() - HOUR), new Date(Date.now() - HOUR));

  const rsync = spawn('rsync', ['-aP', '--bwlimit=400', file, `${raw}/`], { stdio: 'ignore' });
  const ended = new Promise((resolve) => rsync.once('exit', resolve));
  const listed = (): string[] => readdirSync(raw);
  const temporary = () => listed().find((entry) => entry.startsWith('.run1_0.dat.'));
  await until(() => statSync(join(raw, temporary() ?? 'none'), { throwIfNoEntry: false })?.size);
  expect(deeds(await bench.register(ports))).toEqual({});
  rsync.kill('SIGTERM');
  await ended;
  // Its receiver puts the partial file in place after the process that was killed has ended.
  await until(() => listed().join() === 'run1_0.dat');
  expect(deeds(await bench.register(ports))).toMatchObject({ quarantined: 1 });
  expect(await quarantined(ports)).toEqual({ 'run1_0.dat': 'odd-time' });
  expect(await dataDoc(ports, 1)).toBeUndefined();

  expect(spawnSync('rsync', ['-aP', file, `${raw}/`]).status).toBe(0);
  expect(deeds(await bench.register(ports))).toMatchObject({ registered: 1, released: 1 });
  expect((await dataDoc(ports, 1))?.files[0]?.size).toBe(BYTES);
});
