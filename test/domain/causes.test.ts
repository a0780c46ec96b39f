// What a cause names, everywhere the same: held subjobs are reached by retry, counted by status, told apart by why; a
// misspelt one is named.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type JobDoc, type Move, transition } from '../../src/lib/domain/jobs/job.ts';
import type { Failure } from '../../src/lib/domain/jobs/states.ts';
import { parseRef, STATE_SETS } from '../../src/lib/domain/selection.ts';
import { retry } from '../../src/lib/flow/jobs/operate.ts';
import { selectJobs } from '../../src/lib/flow/jobs/select.ts';
import { status } from '../../src/lib/flow/reports/status/status.ts';
import { whyAll } from '../../src/lib/flow/reports/why/all/whyall.ts';
import { why } from '../../src/lib/flow/reports/why/why.ts';
import { plus } from '../../src/lib/util/time.ts';
import { dflow, folder, must, removeFolders } from '../support/cli.ts';
import { job, module, moduleFile, T0 } from '../support/docs.ts';
import { found } from '../support/items.ts';
import { collect, makePorts, type TestPorts } from '../support/ports.ts';

const policy = [{ cause: 'refused', action: 'hold' as const }];
const config = { farms: { here: {} }, policy };
let ports: TestPorts;
beforeEach(async () => {
  ports = await makePorts({ now: () => Date.parse(T0) + 60_000, config });
});
afterEach(() => ports.remove());

const failure = (cause: string): Failure => ({ cause, reason: `words of ${cause}`, site: 'here' });

/** Moves that take subjob `index` to where it is held, has failed, or runs. */
function moves(index: number, end: string, raw?: string): Move[] {
  const lock = { site: 'here', epoch: 1, claim: 'c', index };
  const claim: Move = { index, event: 'claim', to: { name: 'submitting', since: T0, lock } };
  const record: Move = { index, event: 'record', to: { name: 'submitted', since: T0, lock, backendId: 'b' } };
  const [state, cause = ''] = end.split(' ');
  const failed = { since: T0, failure: failure(cause) };
  if (state === 'held') return [claim, { index, event: 'refuse', to: { name: 'held', reason: cause, ...failed } }];
  if (state === 'cooling') {
    const to = { name: 'held', reason: cause, until: plus(T0, 600_000), ...failed } as const;
    return [claim, record, { index, event: 'cool', to }];
  }
  if (state === 'failed') return [claim, record, { index, event: 'fail', to: { name: 'failed', lock, ...failed } }];
  const submitted = { ...record, ...(raw === undefined ? {} : { with: { raw } }) };
  if (state === 'submitted') return [claim, submitted];
  return [claim, submitted, { index, event: 'start', to: { name: 'running', since: T0, lock, backendId: 'b' } }];
}

/** A pass with two subjobs, each taken to one end; an absent one waits. */
async function put(run: number, ends: readonly (string | undefined)[], raw?: string): Promise<JobDoc> {
  const all = ends.flatMap((end, index) => (end === undefined ? [] : moves(index, end, raw)));
  const doc = transition(job({ run }), all, T0, 'test');
  await ports.store.update(doc._id, () => ({ write: doc }));
  return doc;
}

describe('retry --cause', () => {
  const chosen = (causes: readonly string[]) =>
    selectJobs(ports, { causes, states: STATE_SETS.open, pass: 'last' as const });

  test('reaches what is held, also in a pass of which the rest waits, runs, or failed otherwise', async () => {
    await put(1, ['held refused', 'held refused']);
    await put(2, ['held refused', undefined]);
    await put(3, ['running', 'cooling refused']);
    await put(4, ['failed exit-1', 'held refused']);
    await put(5, ['failed exit-1', 'failed exit-1']);
    const { jobs } = await chosen(['refused']);
    expect(jobs.map(({ run }) => run)).toEqual([1, 2, 3, 4]);
    const items = await collect(retry(ports, jobs, { causes: ['refused'] }));
    expect(items.map(({ ref, did, state }) => `${ref} ${did} ${state}`)).toEqual(
      ['1/Count/1.000', '1/Count/1.001', '2/Count/1.000', '3/Count/1.001', '4/Count/1.001'].map(
        (ref) => `${ref} retried waiting`,
      ),
    );
    expect((await chosen(['refused'])).jobs).toEqual([]);
    expect((await chosen(['exit-1'])).jobs.map(({ run }) => run)).toEqual([4, 5]);
  });

  test.each([
    ['refusd', 'did you mean refused? known: '],
    ['exit3', 'known: '],
  ])('%s is nobody´s cause', async (cause, words) => {
    await put(1, ['held refused', undefined]);
    const message = expect.stringContaining(`no cause '${cause}'; ${words}`);
    await expect(chosen(['refused', cause])).rejects.toMatchObject({ exit: 2, message });
  });

  test.each(['refused', 'exit-3', 'signal-11', 'stage-in', 'lost'])('%s may be one', async (cause) => {
    expect((await chosen([cause])).jobs).toEqual([]);
  });

  test('one of a module´s own rules, and one that only a failure has, are known', async () => {
    const own = moduleFile([module('Count', { policy: [{ cause: 'no-licence', action: 'hold' }] })], {});
    await put(1, ['failed of-old', undefined]);
    const known = { ...ports, settings: { ...ports.settings, modules: { '1.0': own } } };
    const found = await selectJobs(known, { causes: ['no-licence', 'of-old'], states: STATE_SETS.open, pass: 'last' });
    expect(found.jobs.map(({ run }) => run)).toEqual([1]);
  });
});

describe('status', () => {
  const needs = async () => (await status(ports)).needYou;

  test('what is held until a person acts needs one; what cools off does not', async () => {
    await put(1, ['held refused', 'held canceled-outside']);
    await put(2, ['held refused', 'cooling disk-full']);
    expect(await needs()).toEqual([
      { way: 'held', text: '3 subjobs held until a person acts: refused, canceled-outside', next: 'dflow why --all' },
    ]);
  });

  test('causes of what failed and of what is held are not mixed', async () => {
    await put(1, ['failed exit-1', 'failed exit-1']);
    await put(2, ['held refused', 'cooling disk-full']);
    expect((await needs()).map(({ text }) => text)).toEqual([
      '1 pass failed: exit-1',
      '1 subjob held until a person acts: refused',
    ]);
  });
});

test('why --all tells failed, held and cooling apart, each with its own example', async () => {
  await put(1, ['failed lost', 'failed lost']);
  await put(2, ['held lost', undefined]);
  await put(3, ['cooling lost', undefined]);
  const rows = (await found(whyAll(ports))).filter(({ unit, gate }) => unit === 'subjobs' && gate !== 'ready');
  expect(rows.map(({ gate, count, ref, text }) => [gate, count, ref, text])).toEqual([
    ['failed', 2, '1/Count/1', 'lost in Count, all at here: words of lost'],
    ['cooling', 1, '3/Count/1', 'lost in Count, all at here, tried again later: words of lost'],
    ['held', 1, '2/Count/1', 'lost in Count, all at here, until a person acts: words of lost'],
  ]);
});

describe('why of what the batch system has', () => {
  const gates = async (ends: readonly (string | undefined)[], raw?: string) => {
    await put(1, ends, raw);
    const [report] = await why(ports, parseRef('1/Count')!);
    return { next: report!.next, all: report!.gates.filter(({ gate }) => gate.startsWith('subjob')) };
  };

  test.each([
    ['submitted', 'PENDING ReqNodeNotAvail'],
    ['submitted', 'no machine of the pool has 900000 MiB and 1 CPU'],
    ['running', 'RUNNING, no heartbeat'],
  ])('%s: %s is said, is not well, and something is to be typed', async (state, raw) => {
    const { all, next } = await gates([state, state], raw);
    expect(all).toMatchObject([
      { gate: 'subjobs', ok: false },
      { gate: 'subjob', ok: false, text: `2/2 ${state} at here: ${raw}` },
    ]);
    expect(next).toContain('dflow monitor --site here; dflow reset 1/Count/1');
  });

  test.each([
    'no longer in squeue, but its heartbeat goes on',
    'NODE_FAIL, its heartbeat goes on',
  ])('%s: said, but nothing is to be put back of what lives', async (raw) => {
    const { all, next } = await gates(['running', 'running'], raw);
    expect(all).toMatchObject([
      { gate: 'subjobs', ok: true },
      { gate: 'subjob', ok: true, text: `2/2 running at here: ${raw}` },
    ]);
    expect(next.join()).not.toMatch(/reset/);
  });

  test.each([
    ['submitted', undefined],
    ['submitted', 'submitted'],
    ['running', 'RUNNING'],
  ])('%s: %s says no more than that', async (state, raw) => {
    const { all } = await gates([state, state], raw);
    expect(all).toMatchObject([
      { gate: 'subjobs', ok: true },
      { gate: 'subjob', ok: true, text: `2/2 ${state} at here` },
    ]);
  });
});

describe('the command line', () => {
  afterAll(removeFolders);

  test('what why prints to be typed reaches what is held; without a cause only what failed', async () => {
    const here = folder();
    writeFileSync(
      join(here, 'dflow.yaml'),
      `store: '${ports.settings.store}'\nexperiment: test\nbuffer: {path: ./raw, pattern: 'r{run}'}\nstorage: {a: ./s}\n`,
    );
    await put(1, ['held refused', undefined]);
    const next = /retry --cause refused -n/.exec(must(here, ['why', '1/Count']))?.[0] ?? '';
    expect(must(here, next.split(' '))).toMatch(/^would be retried\t1\/Count\/1\.000\t*\n$/);
    expect(must(here, ['retry', '--all', '-n'])).toBe('');
    expect(must(here, ['retry', '--cause', 'refused', '--state', 'failed', '-n'])).toBe('');
    expect(dflow(here, ['status', '--check'])).toMatchObject({ code: 1, out: expect.stringContaining('held until') });
    expect(dflow(here, ['retry', '--cause', 'out-of-memry'])).toMatchObject({
      code: 2,
      err: expect.stringMatching(
        /no cause 'out-of-memry'; did you mean out-of-memory\? .*\nNext: the same command with out-of-memory/,
      ),
    });
  });
});
