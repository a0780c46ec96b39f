// Documents that another version or a hand in the database has left: named, passed over, never overwritten, and taken
// out by a command that keeps them.
import { mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { open } from '../../src/lib/stores/sqlite/sqlite.ts';
import { dflow, folder, lines, must, removeFolders } from '../support/cli.ts';

const POISON = ['job:0000000009:Count:001', 'data:L1:0000000009', 'run:0000000009'];

let here: string;
beforeAll(async () => {
  here = folder();
  for (const name of ['raw', 'se', 'modules']) mkdirSync(join(here, name));
  writeFileSync(
    join(here, 'dflow.yaml'),
    "buffer: {path: ./raw, pattern: 'run{run}.dat', settle: 1s}\nstorage: {se: ./se}\ncopies: {raw: 1}\nruns: {quiet: 1s}\n",
  );
  for (const run of [1, 2]) {
    const path = join(here, 'raw', `run${run}.dat`);
    writeFileSync(path, `run ${run}`);
    utimesSync(path, 1e9, 1e9);
  }
  must(here, ['store', 'setup']);
  await put(POISON);
});
afterAll(removeFolders);

async function put(ids: readonly string[]): Promise<void> {
  const store = await open(`sqlite:${join(here, 'dflow.db')}`, { write: true });
  await store.bulk(ids.map((id) => ({ id, change: () => ({ write: { _id: id, kind: id.split(':')[0]!, v: 1 } }) })));
  await store.close();
}

const COMMANDS = [
  'register',
  'transfer',
  'verify',
  'chain',
  'status',
  'why 1',
  'list data',
  'list runs',
  'list jobs',
  'purge --yes',
  'why --all',
  'history 1',
  'report',
  'show 1',
];

test.each(COMMANDS)('%s goes on', (command) => {
  const { code, err } = dflow(here, command.split(' '));
  expect(code, err).not.toBe(70);
  expect(code, err).not.toBe(3);
});

describe('what reads one', () => {
  test('names it with its field and what clears it, and shows the others', () => {
    const { code, out, err } = dflow(here, ['list', 'runs', '--json']);
    expect(code).toBe(1);
    expect(err).toContain('run:0000000009: cannot be read, so it is skipped: run: is missing');
    expect(err).toContain('Next: dflow store drop run:0000000009 --why');
    expect(lines(out).length).toBe(2);
  });

  test('thousands that are not there: some are named, the others counted', () => {
    writeFileSync(join(here, 'many'), Array.from({ length: 5000 }, (_, index) => index + 100).join('\n'));
    const { code, err } = dflow(here, ['list', 'runs', '--run', '@many']);
    expect(code).toBe(1);
    expect(err).toContain('and 4900 more like these');
    expect(err.split('no such run').length).toBe(101);
  });

  test('export has it all the same', () => {
    const ids = lines<{ _id: string }>(must(here, ['store', 'export'])).map(({ _id }) => _id);
    expect(ids).toEqual(expect.arrayContaining(POISON));
  });

  test('a hold that cannot be read stops what it may forbid, and says so', async () => {
    await put(['hold:odd']);
    const { code, err } = dflow(here, ['transfer']);
    expect(code).toBe(1);
    expect(err).toMatch(/hold:odd cannot be read[\s\S]*Next: dflow store drop hold:odd/);
    must(here, ['store', 'drop', 'hold:odd', '--why', 'test']);
    expect(dflow(here, ['transfer']).code).toBe(0);
  });
});

test('store drop takes out only what cannot be read, with a receipt; nothing names it any more', () => {
  const dropped = dflow(here, ['store', 'drop', ...POISON, 'run:0000000001', '--why', 'test', '--json']);
  expect(dropped.code).toBe(1);
  expect(lines(dropped.out).map(({ did }) => did)).toEqual(['dropped', 'dropped', 'dropped', 'kept']);
  const receipts = readdirSync(join(here, '.dflow/receipts')).filter((name) => name.startsWith('drop-'));
  const kept = receipts.map((name) => readFileSync(join(here, '.dflow/receipts', name), 'utf8')).join('');
  for (const id of POISON) expect(kept).toContain(id);
  expect(dflow(here, ['list', 'runs'])).toMatchObject({ code: 0, err: '' });
});
