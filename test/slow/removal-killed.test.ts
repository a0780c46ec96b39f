// What deletes, as a process of its own that the kernel kills at each of its calls: nothing is lost, nothing is left.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import { readReceipt } from '../../src/lib/util/files/receipt.ts';
import { closeWorlds, type TestPorts, world } from '../support/ports.ts';
import { receipts } from '../support/purge.ts';
import { onBuffer, originalsOf, outputsOf, rawName, readJob, storedPass, storedRuns } from '../support/stored.ts';

let out: string;
let script: string;
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'dflow-child-'));
  script = join(out, 'removal-child.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, '../support/removal-child.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    loader: { '.sh': 'text', '.py': 'text', '.mjs': 'text' },
    logLevel: 'silent',
  });
  await symlink(join(import.meta.dirname, '../../node_modules'), join(out, 'node_modules'));
});
afterAll(() => rm(out, { recursive: true, force: true }));
afterEach(closeWorlds);

/** True when it was killed; false when it had ended before. `offset`: of its clock, ms. */
async function killedAt(ports: TestPorts, step: string, at: number, when: string, offset = 0): Promise<boolean> {
  const child = spawn(process.execPath, [script, ports.folder, step, at, when, offset].map(String), {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  if (signal === null) expect(code).toBe(0);
  return signal === 'SIGKILL';
}

/** The same step, an hour later, when what a killed process has claimed has expired. */
async function again(ports: TestPorts, step: string): Promise<void> {
  expect(await killedAt(ports, step, 0, 'before', 3_600_000)).toBe(false);
}

/** Names of files at an element, hidden ones too, but for a probe: verify names it. */
function filesAt(ports: TestPorts, storage: string): string[] {
  return readdirSync(join(ports.folder, 'se', storage), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.probe.'))
    .map((entry) => entry.name)
    .sort();
}

const hidden = (ports: TestPorts): string[] =>
  readdirSync(join(ports.folder, 'buffer', 'L1')).filter((name) => name.startsWith('.'));

/** Strikes at every third call, before and after it, until the step ends unharmed. */
async function strike(begin: () => Promise<TestPorts>, step: string, check: (ports: TestPorts) => Promise<void>) {
  let kills = 0;
  for (let at = 1; ; at += 3) {
    const when = at % 2 === 0 ? 'before' : 'after';
    const ports = await begin();
    const killed = await killedAt(ports, step, at, when);
    await check(ports);
    await closeWorlds();
    if (!killed) return kills;
    kills++;
  }
}

test('purge: an original that is not on the buffer under its name waits beside it, or a receipt names it', async () => {
  const kills = await strike(
    async () => {
      const ports = await world({ storages: ['sfu', 'fnal'] });
      await storedRuns(ports, [1], 2, 100);
      return ports;
    },
    'purge',
    async (ports) => {
      const lines = (await Promise.all(receipts(ports).map((one) => readReceipt(ports.folder, one)))).flat();
      const there = [...onBuffer(ports), ...hidden(ports)].join('\n');
      for (const name of [rawName(1), rawName(1, 1)])
        expect(there.includes(name) || lines.some((line) => line.name === name)).toBe(true);
      await again(ports, 'purge');
      expect([...onBuffer(ports), ...hidden(ports)]).toEqual([]);
      expect(await originalsOf(ports, 1)).toEqual(['purged', 'purged']);
    },
  );
  expect(kills).toBeGreaterThan(8);
});

test('move: every output is at the other element in the end, and nothing waits', async () => {
  const kills = await strike(
    async () => {
      const ports = await world({ storages: ['sfu', 'fnal'], config: { outputs: [{ to: ['fnal'], keep: false }] } });
      await storedPass(ports);
      return ports;
    },
    'move',
    async (ports) => {
      const [doc] = await ports.store.range<JobDoc>({ start: 'job:', end: 'job;' });
      const names = [...new Set(outputsOf(doc!).map(({ name }) => name))].sort();
      await again(ports, 'move');
      expect([filesAt(ports, 'sfu'), filesAt(ports, 'fnal')]).toEqual([[], names]);
      expect(outputsOf(await readJob(ports, doc!)).map(({ storage }) => storage)).toEqual(names.map(() => 'fnal'));
    },
  );
  expect(kills).toBeGreaterThan(8);
});

test('delete: asked for again, all of it is gone', async () => {
  const kills = await strike(
    async () => {
      const ports = await world({ storages: ['sfu', 'fnal'] });
      await storedPass(ports);
      return ports;
    },
    'delete',
    async (ports) => {
      const [doc] = await ports.store.range<JobDoc>({ start: 'job:', end: 'job;' });
      await again(ports, 'delete');
      expect([filesAt(ports, 'sfu'), outputsOf(await readJob(ports, doc!))]).toEqual([[], []]);
      expect(readdirSync(join(ports.folder, '.dflow', 'removing'))).toEqual([]);
    },
  );
  expect(kills).toBeGreaterThan(3);
});
