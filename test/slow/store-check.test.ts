// store check of the built program: its exit code and its lines. Here since each command is a process.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { open } from '../../src/lib/stores/sqlite/sqlite.ts';
import { dflow, folder, lines, must, removeFolders } from '../support/cli.ts';

afterAll(removeFolders);

test('a store in use is sound; what it names and has not is told; a newer document stays', async () => {
  const demo = folder();
  must(demo, ['demo', demo, '--make']);
  must(demo, ['store', 'setup']);
  must(demo, ['register', '--no-wait'], [0, 1]);
  must(demo, ['tables'], [0, 1]);
  must(demo, ['transfer'], [0, 1]);
  must(demo, ['enqueue'], [0, 1]);
  expect(lines(must(demo, ['store', 'check', '--json']))).toMatchObject([{ did: 'checked' }]);
  const request = { _id: 'request:lost', kind: 'request', v: 1, name: 'lost', version: '1', level: 'L1', modules: [] };
  const more = { priority: 0, labels: [], prerequisite: 'latest', plan: [], by: 'x', created: '2026-07-14T06:00:00Z' };
  const parts = [{ id: 'plan:lost:1', passes: 1 }];
  writeFileSync(join(demo, 'in.jsonl'), JSON.stringify({ ...request, ...more, parts, history: [] }));
  must(demo, ['store', 'import', join(demo, 'in.jsonl')]);
  const { code, out } = dflow(demo, ['store', 'check', '--json']);
  expect(code).toBe(1);
  expect(lines(out)).toMatchObject([
    { kind: 'document', ref: 'request:lost', did: 'dangling', failed: true, next: expect.stringContaining('import') },
    { kind: 'store', did: 'checked' },
  ]);
  expect(must(demo, ['store', 'migrate', '--json'])).toBe('');
  const store = await open(`sqlite:${join(demo, 'dflow.db')}`, { write: true });
  const newer = { _id: 'loop:h:submit', kind: 'loop', v: 99 };
  await store.update(newer._id, () => ({ write: newer }));
  await store.close();
  const drop = dflow(demo, ['store', 'drop', newer._id, '--why', 'test', '--json']);
  expect(drop.code).toBe(1);
  expect(lines(drop.out)).toMatchObject([{ did: 'kept', next: 'upgrade dflow on this host: npm install -g dflow' }]);
  expect(must(demo, ['store', 'export'])).toContain('"v":99');
});
