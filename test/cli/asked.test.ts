// `why RUN/MODULE` of a module without a pass: who would ask for it, and how to have it all the same.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { modulesFor } from '../../src/lib/domain/modules/modules.ts';
import type { RunDoc } from '../../src/lib/domain/runs/run.ts';
import { parseRef } from '../../src/lib/domain/selection.ts';
import { why } from '../../src/lib/flow/reports/why/why.ts';
import { module, moduleFile, T0 } from '../support/docs.ts';
import { makePorts, type TestPorts } from '../support/ports.ts';

const all = [module('Count'), module('Big'), module('Plot', { needs: ['Big'] }), module('Odd')];
const file = moduleFile(all, { any: ['Count'], Physics: ['Plot'], Laser: ['Big'] });
const newer = { ...moduleFile([module('New')], {}), version: '2.0' };

let ports: TestPorts;
beforeEach(async () => {
  const config = {
    runs: { types: ['Maintenance', 'Physics', 'Laser'], calibration: [] },
    automatic: { version: '1.0' },
  };
  ports = await makePorts({ config, around: { modules: { '1.0': file, '2.0': newer } } });
});
afterEach(() => ports.remove());

/** The report on a module of run 1, which is complete, of the type of `mask`, and enqueued with what was asked for, or not at all. */
async function report(name: string, mask: number | undefined, made?: readonly string[] | 'none') {
  const complete = { at: T0, subruns: [0], evidence: '2 seen' };
  const types = ['Maintenance', 'Physics', 'Laser'].filter((_, bit) => (mask ?? 0) & (1 << bit));
  const doc: RunDoc = {
    ...{ _id: 'run:0000000001', kind: 'run', v: 1, run: 1, firstSeen: T0, history: [] },
    ...(mask === undefined ? {} : { mask }),
    levels: { L1: { complete, lastFile: T0, late: [], files: 1 } },
    ...(made === 'none' ? {} : { automatic: { '1.0': { at: T0, modules: made ?? modulesFor(file, types) } } }),
  };
  await ports.store.update(doc._id, () => ({ write: doc }));
  const [found] = await why(ports, parseRef(`1/${name}`)!);
  return found!;
}

test.each([
  ['Big', 1, /^Maintenance does not ask for Big in 1\.0; asked for by Physics, Laser$/],
  ['Odd', 2, /^Physics does not ask for Odd in 1\.0; no run type asks for it$/],
  ['New', 2, /^automatic version 1\.0 does not define New; 2\.0 does$/],
])('%s of a run of type bit %i', async (name, mask, text) => {
  const { state, gates, next } = await report(name, mask);
  expect(state).toBe('no pass');
  expect(gates.filter(({ ok }) => !ok)).toMatchObject([{ gate: 'asked', text: expect.stringMatching(text) }]);
  const version = name === 'New' ? '2.0' : '1.0';
  expect(next).toEqual([`dflow reprocess --request ${name}-1 --version ${version} --module ${name} --run 1`]);
});

test('asked for since, but not when the passes were made', async () => {
  const { gates, next } = await report('Big', 4, ['Count']);
  expect(gates.filter(({ ok }) => !ok)).toMatchObject([{ text: expect.stringMatching(/^Big was not asked for yet/) }]);
  expect(next[0]).toMatch(/^dflow reprocess --request Big-1 /);
});

test('of a run whose type asks for it nothing is said', async () => {
  expect((await report('Big', 2)).gates.map(({ gate }) => gate)).not.toContain('asked');
});

test('of a run of which the type is not known yet nobody can say that it does not ask: its table is wanted, not a request', async () => {
  const { gates, next } = await report('Big', undefined, 'none');
  expect(gates.filter(({ gate }) => gate === 'asked')).toMatchObject([
    { text: 'the run type is not known yet; Big is asked for by Physics, Laser', on: 'run:0000000001' },
  ]);
  expect(next).toEqual(['dflow tables load FILE', 'dflow enqueue']);
});

test('a type that becomes known once the passes are made brings no more of them by itself', async () => {
  const { gates, next } = await report('Big', undefined);
  expect(gates.filter(({ ok }) => !ok)).toMatchObject([
    { text: 'its passes were made while its run type was not known; Big is asked for by Physics, Laser' },
  ]);
  expect(next).toEqual(['dflow reprocess --request Big-1 --version 1.0 --module Big --run 1']);
});
