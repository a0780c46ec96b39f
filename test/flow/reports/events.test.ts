// What a line of the change feed says, and that whoever follows outlives an outage of the store.
import { afterEach, expect, test } from 'vitest';
import type { Doc } from '../../../src/lib/domain/doc.ts';
import { type EventRow, eventOf } from '../../../src/lib/flow/reports/events/event.ts';
import { events } from '../../../src/lib/flow/reports/events/events.ts';
import { StoreError } from '../../../src/lib/util/errors.ts';
import { closeWorlds, replacing, T0, world } from '../../support/ports.ts';

afterEach(closeWorlds);

const change = (id: string, deleted = false) => ({ id, deleted, cursor: '7' });

test('the newest change: its state before and after, by whom, of which subjobs', () => {
  const line = (subjob: number, at: string, from: string, to: string) => ({ at, from, to, by: 'monitor@a', subjob });
  const history = [
    line(0, T0, 'submitted', 'running'),
    line(0, '2026-07-14T07:00:00.000Z', 'running', 'completed'),
    line(1, '2026-07-14T07:00:00.000Z', 'running', 'completed'),
  ];
  const doc = { _id: 'job:0000000007:Count:002', kind: 'job', v: 1, state: 'completed', history } as Doc;
  const row = eventOf(change(doc._id), doc, false);
  expect(row).toMatchObject({ ref: '7/Count/2', from: 'running', to: 'completed', by: 'monitor@a', subjobs: [0, 1] });
  expect(eventOf(change(doc._id), doc, true)).toMatchObject({ to: 'changed' });
  expect(eventOf(change(doc._id, true), undefined, false)).toMatchObject({ ref: '7/Count/2', to: 'removed' });
});

test('an outage is said once, then its end; nothing is missed', async () => {
  const ports = await world();
  const put = (id: string) => ports.store.update(id, () => ({ write: { _id: id, kind: 'thing', v: 1 } }));
  await put('thing:a');
  let away = 0;
  const store = replacing(ports.store, {
    changes: (since, limit) => {
      if (away-- > 0) throw new StoreError('the store cannot be reached');
      return ports.store.changes(since, limit);
    },
  });
  const said: string[] = [];
  const rows: EventRow[] = [];
  const watching = {
    sleep: async () => undefined,
    say: (text: string) => void said.push(text),
    over: () => rows.length > 1,
  };
  for await (const page of events({ store }, { follow: true }, watching)) {
    rows.push(...page.rows);
    away = 3;
    await put('thing:b');
  }
  expect(rows.map(({ id }) => id)).toEqual(['thing:a', 'thing:b']);
  expect(said).toEqual([expect.stringContaining('cannot be reached'), 'the store is back']);
});
