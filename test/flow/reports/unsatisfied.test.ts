// Passes that wait for one that has ended without completing, among hundreds that wait for what goes on.
import { afterEach, expect, test } from 'vitest';
import type { Doc } from '../../../src/lib/domain/doc.ts';
import { jobId } from '../../../src/lib/domain/ids.ts';
import { unsatisfied } from '../../../src/lib/flow/reports/status/jobstatus.ts';
import { closeWorlds, T0, world } from '../../support/ports.ts';

afterEach(closeWorlds);

const pass = (run: number, module: string, state: Record<string, unknown> & { readonly name: string }) =>
  ({
    ...{ _id: jobId(run, module, 1), kind: 'job', v: 1, run, module, pass: 1, version: '1.0', created: T0, since: T0 },
    ...{ state: state.name, priority: 0, needs: [], outputs: {}, history: [] },
    subjobs: [{ index: 0, state: { since: T0, ...state } }],
  }) as unknown as Doc;
const waits = (run: number, module: string, on: string) =>
  pass(run, module, { name: 'waiting', wake: { kind: 'on', id: jobId(run, on, 1) } });

test.each([3, 300])('of %i awaited passes the last was canceled, and the first is not there', async (count) => {
  const ports = await world();
  const docs: Doc[] = [waits(1, 'Plot', 'Count'), waits(count, 'Fit', 'Plot')];
  for (let run = 2; run <= count; run++)
    docs.push(
      waits(run, 'Plot', 'Count'),
      pass(
        run,
        'Count',
        run === count ? { name: 'canceled', why: 'a test' } : { name: 'waiting', wake: { kind: 'ready' } },
      ),
    );
  await ports.store.bulk(docs.map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));
  expect(await unsatisfied(ports.store)).toEqual({
    passes: new Map([
      ['1.0 Plot', 2],
      ['1.0 Fit', 1],
    ]),
    total: 3,
    more: false,
    example: '1/Plot/1',
  });
});
