// Backup and restore of the built program, while others write and where it is killed. Here since each command is a process.
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { open } from '../../src/lib/stores/sqlite/sqlite.ts';
import { dflow, folder, lines, must, removeFolders, start } from '../support/cli.ts';

let demo: string;
const at = (name: string): string => join(demo, name);
const backups = (): string[] => readdirSync(at('backups')).filter((name) => !name.startsWith('.'));

beforeAll(() => {
  demo = folder();
  must(demo, ['demo', demo, '--make']);
  must(demo, ['store', 'setup']);
  must(demo, ['register', '--no-wait'], [0, 1]);
  must(demo, ['tables', 'load', ...readdirSync(at('ratdb')).map((name) => at(`ratdb/${name}`))]);
});
afterAll(removeFolders);

/** All but the holds of restores. */
const documents = (): string[] =>
  must(demo, ['store', 'export'])
    .split('\n')
    .filter((line) => line !== '' && !line.includes('"hold:restored-'))
    .sort();

test('backup and restore: the same documents, a hold on every farm, and an older file by hand is refused', () => {
  for (const name of ['one.db', 'one.jsonl']) {
    const before = documents();
    must(demo, ['store', 'backup', at(name)]);
    must(demo, ['pause', '--run', '109121', '--why', 'later']);
    expect(dflow(demo, ['store', 'restore', at(name)])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--yes'),
    });
    const items = lines(must(demo, ['store', 'restore', at(name), '--yes', '--json']));
    expect(items).toMatchObject([
      { kind: 'hold', did: 'paused' },
      { kind: 'store', did: 'restored' },
    ]);
    const hold = String(items[0]?.ref);
    expect(documents()).toEqual(before);
    expect(must(demo, ['submit', '--json'])).toContain(hold);
  }
  must(demo, ['resume', '--all', '--why', 'looked']);
  must(demo, ['store', 'info', '--check']);
  // The file of before, as a person might put it back.
  renameSync(at('dflow.db'), at('now.db'));
  writeFileSync(at('dflow.db'), readFileSync(at('one.db')));
  expect(dflow(demo, ['enqueue'])).toMatchObject({ code: 3, err: expect.stringContaining('older than it was') });
  expect(dflow(demo, ['status'])).toMatchObject({ err: expect.stringContaining('older than it was') });
  renameSync(at('now.db'), at('dflow.db'));
});

test('what is refused: where a backup is lost or taken for data, a file that is there, a half one, another experiment', () => {
  must(demo, ['store', 'backup', at('two.jsonl')]);
  const refused = (...args: string[]) => expect(dflow(demo, ['store', ...args, '--json']).code, args.join(' ')).toBe(2);
  refused('backup', at('two.jsonl'));
  refused('backup', at('dflow.db'));
  refused('backup', at('raw/l1/new.db'));
  refused('backup', at('new.db'), '--keep', '3');
  refused('restore', at('two.jsonl'));
  refused('restore', at('none.db'), '--yes');
  refused('restore', demo, '--yes');
  const text = readFileSync(at('two.jsonl'), 'utf8');
  writeFileSync(at('half.jsonl'), text.slice(0, -1000));
  refused('restore', at('half.jsonl'), '--yes');
  writeFileSync(at('half.db'), readFileSync(at('dflow.db')).subarray(0, 50_000));
  // The store is well: its backup is not.
  const half = dflow(demo, ['store', 'restore', at('half.db'), '--yes']);
  expect(half).toMatchObject({ code: 2, err: expect.stringContaining('this backup is not sound') });
  const taken = dflow(demo, ['store', 'rescue', at('two.jsonl')]);
  expect(taken).toMatchObject({ code: 2, err: expect.stringContaining('dflow store rescue') });
  writeFileSync(at('other.jsonl'), text.replace('"experiment":"', '"experiment":"not-'));
  refused('restore', at('other.jsonl'), '--yes');
  must(demo, ['store', 'info', '--check']);
});

test('killed at any moment: what has the name of a backup is whole, what is half goes with the next one; --keep', async () => {
  must(demo, ['store', 'backup', at('backups/')], [2]);
  mkdirSync(at('backups'));
  must(demo, ['store', 'backup', at('backups')]);
  const count = documents().length;
  for (let kill = 0; kill < 5; kill++) {
    const child = start(demo, ['store', 'backup', at('backups'), '--keep', '3']);
    const ended = new Promise((done) => child.on('close', done));
    await wait(250 + 90 * kill);
    child.kill('SIGKILL');
    await ended;
    expect(backups().length).toBeGreaterThan(0);
    for (const name of backups()) {
      const store = await open(at(`backups/${name}`), { write: false });
      expect(await store.check?.()).toEqual([]);
      expect((await store.info()).documents).toBeGreaterThanOrEqual(count);
      await store.close();
    }
  }
  must(demo, ['store', 'backup', at('backups'), '--keep', '2']);
  expect(backups()).toHaveLength(2);
  expect(readdirSync(at('backups')).filter((name) => name.startsWith('.'))).toEqual([]);
});
