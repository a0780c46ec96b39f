// Transfer as processes of their own: killed at any moment, and two at once.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { file } from '../support/copies.ts';
import { addRun, closeWorlds, readRun, type TestPorts, world } from '../support/ports.ts';
import { digest, onDisk } from '../support/stored.ts';

afterEach(closeWorlds);

describe('processes', () => {
  let out: string;
  let script: string;
  beforeAll(async () => {
    out = await mkdtemp(join(tmpdir(), 'dflow-child-'));
    script = join(out, 'transfer-child.mjs');
    await build({
      entryPoints: [join(import.meta.dirname, '../../test/support/transfer-child.ts')],
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

  const start = (ports: TestPorts, host: string, lease: number, offset = 0, delay = 0): ChildProcess =>
    spawn(process.execPath, [script, ports.folder, host, lease, offset, delay].map(String), {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
  const lines = async (
    child: ChildProcess,
    each: (line: { copies?: string; did?: string }) => void,
  ): Promise<number | null> => {
    const exit = once(child, 'exit');
    for await (const line of createInterface({ input: child.stdout! })) each(JSON.parse(line));
    return (await exit)[0] as number | null;
  };
  const finalName = (path: string) => path.replace(/\.([^/]+)\.dflow-\d+-[a-z0-9]+$/, '$1');

  test('killed at any moment, then continued: no partial file stays, each is copied once more at most', async () => {
    const ports = await world();
    const files = Array.from({ length: 12 }, (_, i) => file(`f${String(i).padStart(2, '0')}`, 1_500_000 + i));
    await addRun(ports, 1, files.slice(0, 6));
    await addRun(ports, 2, files.slice(6));
    const started = new Map<string, number>();
    const count = (line: { copies?: string }) => {
      if (line.copies) started.set(finalName(line.copies), (started.get(finalName(line.copies)) ?? 0) + 1);
    };
    // Each life is killed after some more copies have begun; the next one lives after the lease of the one before.
    let life = 0;
    let killed = 0;
    for (const after of [1, 4, 7, 13, 20]) {
      const child = start(ports, 'buffer1', 60_000, life++ * 61_000);
      let begun = 0;
      const exit = await lines(child, (line) => {
        count(line);
        if (line.copies && ++begun === after) child.kill('SIGKILL');
      });
      if (exit === null) killed++;
    }
    expect(killed).toBeGreaterThanOrEqual(3);
    expect(await lines(start(ports, 'buffer1', 60_000, life * 61_000), count)).toBe(0);
    for (const name of ['sfu', 'fnal', 'ral']) {
      const disk = await onDisk(ports, name);
      expect([...disk.keys()].sort()).toEqual(files.map((one) => `L1/0/${one.name}`));
      for (const one of files) expect(disk.get(`L1/0/${one.name}`)).toBe(digest(one.bytes));
    }
    expect((await readRun(ports, 1)).done).toEqual(['fnal', 'ral', 'sfu']);
    expect((await readRun(ports, 2)).done).toEqual(['fnal', 'ral', 'sfu']);
    // 36 copies are needed; each of five deaths can waste no more than the four files then under way.
    const total = [...started.values()].reduce((a, b) => a + b, 0);
    expect(total).toBeLessThanOrEqual(36 + 5 * 4);
  });

  test('two at once copy no file twice', async () => {
    const ports = await world();
    for (let run = 1; run <= 40; run++) await addRun(ports, run, [file(`a${run}`, 5000), file(`b${run}`, 5000)]);
    const started: string[] = [];
    const verified = [0, 0];
    await Promise.all(
      [0, 1].map(async (index) => {
        const child = start(ports, `buffer${index}`, 60_000, 0, 1);
        const exit = await lines(child, (line) => {
          if (line.copies) started.push(finalName(line.copies));
          if (line.did === 'verified') verified[index]!++;
        });
        expect(exit).toBe(0);
      }),
    );
    // A call leaves what the other has claimed; one more finds whether anything was left behind.
    await lines(start(ports, 'buffer0', 60_000), (line) => {
      if (line.copies) started.push(finalName(line.copies));
      if (line.did === 'verified') verified[0]!++;
    });
    expect(started).toHaveLength(240);
    expect(verified[0]! + verified[1]!).toBe(240);
    for (const name of ['sfu', 'fnal', 'ral']) expect((await onDisk(ports, name)).size).toBe(80);
  });
});
