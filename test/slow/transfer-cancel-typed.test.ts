// A transfer that is cancelled by another dflow while it copies, both as typed.
import { once } from 'node:events';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { until } from '../contracts/backend.ts';
import { lines, must, start } from '../support/cli.ts';
import type { Seen } from '../support/items.ts';
import { below } from '../support/stored.ts';

describe('as typed, while another dflow copies at 1 MB/s', () => {
  let folder = '';
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test('the copy stops within seconds and leaves nothing; the others go on; resumed, it is made', async () => {
    folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-cancel-')));
    await mkdir(join(folder, 'raw'));
    for (const [name, megabytes] of [
      ['run1_0.dat', 200],
      ['run2_0.dat', 1],
    ] as const) {
      await writeFile(join(folder, 'raw', name), name);
      await truncate(join(folder, 'raw', name), megabytes * 1_000_000);
      await utimes(join(folder, 'raw', name), 1_700_000_000, 1_700_000_000);
    }
    const config = (rate: string) =>
      writeFileSync(
        join(folder, 'dflow.yaml'),
        `buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat', settle: 1s}\nstorage: {disk: ./store}\ntransfer: {bandwidth: ${rate}}\n`,
      );
    config('1MB/s');
    await mkdir(join(folder, 'store'), { recursive: true });
    must(folder, ['store', 'setup']);
    must(folder, ['register']);
    const child = start(folder, ['transfer', '--json'], 'pipe');
    const exit = once(child, 'exit');
    let told = '';
    child.stdout!.on('data', (bytes) => (told += bytes));
    await until('both copies', async () => below(join(folder, 'store')).length === 2 || undefined);
    const canceled = lines<Seen>(must(folder, ['transfer', '--cancel', '--run', '1', '--why', 'moved', '--json']));
    expect(canceled).toMatchObject([
      { kind: 'hold', did: 'paused' },
      { kind: 'replica', run: 1, file: 'run1_0.dat', did: 'canceled' },
    ]);
    // Long before it could have arrived.
    await until(
      'its end',
      async () => !below(join(folder, 'store')).some((name) => name.includes('run1_0')) || undefined,
    );
    expect((await exit)[0]).toBe(0);
    expect(lines<Seen>(told)).toMatchObject([
      { run: 1, did: 'canceled', text: 'run1_0.dat to disk: canceled: moved' },
      { run: 2, did: 'verified' },
    ]);
    expect(below(join(folder, 'store'))).toEqual(['run2_0.dat']);
    expect(must(folder, ['transfer', '--json'])).not.toContain('"verified"');
    must(folder, ['resume', String(canceled[0]!.ref)]);
    config('10GB/s');
    expect(lines<Seen>(must(folder, ['transfer', '--json']))).toMatchObject([{ run: 1, did: 'verified' }]);
    expect(below(join(folder, 'store')).sort()).toEqual(['run1_0.dat', 'run2_0.dat']);
  });
});
