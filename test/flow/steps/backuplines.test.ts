// A backup of JSON lines: what it holds, and that nothing but a whole one is believed.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Doc } from '../../../src/lib/domain/doc.ts';
import type { HoldDoc } from '../../../src/lib/domain/hold.ts';
import {
  type BackupHead,
  backupLines,
  entriesOf,
  readBackup,
} from '../../../src/lib/flow/steps/archive/backuplines.ts';
import { fill } from '../../../src/lib/flow/steps/archive/restore.ts';
import type { ReadStore } from '../../../src/lib/store.ts';
import { open } from '../../../src/lib/stores/sqlite/sqlite.ts';
import { thing } from '../../contracts/things.ts';
import { fresh, keep, path, puts, setUp, tearDown } from '../../support/sqlite.ts';

beforeEach(setUp);
afterEach(tearDown);

const head: BackupHead = {
  dflow: 'backup',
  format: 1,
  experiment: 'demo',
  uuid: 'u',
  schema: 1,
  at: '2026-11-27T09:00:00.000Z',
};
const doc = (id: string, n: number): Doc & { n: number } => ({
  _id: id,
  _rev: '1',
  kind: 'thing',
  v: 1,
  ops: ['x'],
  n,
});

async function* these<T>(...items: T[]): AsyncGenerator<T, void, void> {
  yield* items;
}

async function textOf(...entries: (Doc | { removed: string })[]): Promise<string> {
  let text = '';
  for await (const line of backupLines(head, these(...entries))) text += line;
  return text;
}

const read = (text: string) =>
  readBackup('file', () => these(...text.split('\n').slice(0, text.endsWith('\n') ? -1 : undefined)));

async function docsIn(text: string): Promise<unknown[]> {
  const docs: unknown[] = [];
  for await (const one of (await read(text)).docs()) docs.push(one);
  return docs;
}

test('what was changed or removed while the backup was made is as it was at the end', async () => {
  const text = await textOf(
    doc('a:1', 1),
    doc('b:1', 1),
    doc('a:1', 2),
    { removed: 'b:1' },
    { removed: 'c:1' },
    doc('d:1', 1),
  );
  expect(await docsIn(text)).toEqual([
    { _id: 'a:1', kind: 'thing', v: 1, n: 2 },
    { _id: 'd:1', kind: 'thing', v: 1, n: 1 },
  ]);
  expect(await read(text)).toMatchObject({ head, documents: 2 });
});

test('a backup of an empty store', async () => {
  expect(await docsIn(await textOf())).toEqual([]);
});

test('wherever it is cut off, and whatever letter is changed, it is refused', async () => {
  const text = await textOf(doc('a:1', 1), doc('b:1', 22));
  // Without its last line break it is still whole.
  for (let length = 0; length < text.length - 1; length++) {
    await expect(read(text.slice(0, length))).rejects.toMatchObject({ name: 'UsageError', exit: 2 });
  }
  for (let at = text.indexOf('\n') + 1; at < text.length - 1; at++) {
    const changed = `${text.slice(0, at)}${text[at] === '7' ? '8' : '7'}${text.slice(at + 1)}`;
    await expect(read(changed)).rejects.toMatchObject({ exit: 2 });
  }
  await expect(read(`${text}${text}`)).rejects.toThrow('something follows its end');
  await expect(read('{"_id":"run:1"}\n')).rejects.toThrow('not a backup');
  await expect(read(text.replace('"format":1', '"format":2'))).rejects.toThrow('newer dflow');
});

test('documents come by the feed of changes until nothing has changed while it was read', async () => {
  const store = await fresh();
  await store.bulk(puts([thing('thing:a'), thing('thing:b')]));
  const during = [
    () => store.bulk(puts([thing('thing:a', { n: 2 })])),
    () => store.update('thing:b', () => ({ remove: true })),
  ];
  const busy: Pick<ReadStore, 'changes' | 'get'> = {
    changes: (since, limit) => store.changes(since, limit),
    get: async <D extends Doc>(ids: readonly string[]) => {
      const found = await store.get<D>(ids);
      await during.shift()?.();
      return found;
    },
  };
  const entries: unknown[] = [];
  for await (const entry of entriesOf(busy)) entries.push('_id' in entry ? entry._id : entry);
  expect(entries).toEqual(['thing:a', 'thing:b', 'thing:a', { removed: 'thing:b' }]);
});

test('an empty store is filled; the same again goes on until the hold is ended; a filled one is refused', async () => {
  const store = keep(await open(path, { write: 'setup' }));
  const fields = { what: 'pause', scope: {}, why: 'x', by: 'me', since: head.at };
  const hold = { _id: 'hold:a', _rev: '1', kind: 'hold', v: 1, ...fields };
  const backup = await read(await textOf(hold, { ...hold, _id: 'hold:restored-other' }));
  const restored = { from: 'b.jsonl', made: head.at, lacks: 2, by: 'me' };
  const fills = async (slug: string) => {
    const items: unknown[] = [];
    for await (const item of fill(store, backup, slug, restored)) items.push(item);
    return items;
  };
  expect(await fills('one')).toMatchObject([
    { did: 'paused', text: expect.stringContaining('2 later changes are lost') },
  ]);
  expect(await store.info()).toMatchObject({ uuid: 'u', documents: 2 });
  expect(await fills('one')).toHaveLength(1);
  await expect(fills('other')).rejects.toMatchObject({
    exit: 2,
    message: expect.stringContaining('only an empty one'),
  });
  await store.update<HoldDoc>('hold:restored-one', (old) =>
    old ? { write: { ...old, ended: { at: head.at, by: 'me' } } } : { skip: '' },
  );
  await expect(fills('one')).rejects.toMatchObject({ exit: 2 });
});
