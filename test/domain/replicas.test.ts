// The decisions of transfer, without any storage: what is due, from where, whose slot it is, where a file goes.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { backOff, isCooling, isLive } from '../../src/lib/domain/data/copyclaim.ts';
import type { DataDoc, Replica } from '../../src/lib/domain/data/data.ts';
import {
  type CopyTask,
  isDue,
  isStaleTemporary,
  plannedCopies,
  type Rules,
  temporaryName,
} from '../../src/lib/domain/data/replicas.ts';
import { claimSlots, isOurs, type Result, renewSlots, settle } from '../../src/lib/domain/data/slots.ts';
import type { HoldDoc } from '../../src/lib/domain/hold.ts';
import { compileTemplate } from '../../src/lib/domain/storage/template.ts';
import { ConfigError } from '../../src/lib/util/errors.ts';
import { DAY, HOUR, MINUTE, plus } from '../../src/lib/util/time.ts';
import { transfers } from '../../src/lib/views/transfers.ts';
import { NASTY_NAMES } from '../contracts/storage.ts';
import { dataDoc, rawFile, T0 } from '../support/ports.ts';

const storage = (name: string, tape = false) => ({
  name,
  protocol: 'posix',
  mounted: true,
  url: `/se/${name}`,
  tape,
  template: '{level}/{run/1000}/{name}',
  options: {},
});
const NOBODY: ReadonlySet<string> = new Set();
const rules = (change: Partial<Rules> = {}): Rules => {
  const storages = change.storages ?? [storage('sfu'), storage('fnal'), storage('ral', true)];
  return {
    storages,
    templates: new Map(storages.map((one) => [one.name, compileTemplate(one.template)])),
    wanted: new Set(storages.map((one) => one.name)),
    holds: [],
    aside: new Set(),
    gone: new Set(),
    ...change,
  };
};
const verified = (path = 'p'): Replica => ({ state: 'verified', attempt: 1, path, since: T0, checkedAt: T0 });
const failed = (retryAt: string): Replica => ({ state: 'failed', attempt: 2, since: T0, why: 'x', retryAt });
const copying = (expires: string): Replica => ({
  state: 'copying',
  attempt: 3,
  host: 'h',
  nonce: 'n',
  since: T0,
  expires,
});
const run = (replicas: Record<string, Replica> = {}, change: Partial<DataDoc> = {}): DataDoc => ({
  ...dataDoc(109134, [{ ...rawFile('a.zdab', 0, Buffer.from('abc')), replicas }]),
  ...change,
});
const moves = (tasks: readonly CopyTask[]) => tasks.map((task) => `${task.source.site} > ${task.to}`);
const hold = (what: HoldDoc['what'], scope: HoldDoc['scope']): HoldDoc => ({
  _id: 'hold:x',
  kind: 'hold',
  v: 1,
  what,
  scope,
  why: 'network',
  by: 'x@y',
  since: T0,
});

describe('what is due', () => {
  test('first only the primary, from the buffer', () => {
    expect(moves(plannedCopies(run(), rules(), T0))).toEqual(['buffer L1 > sfu']);
  });
  test('then every other, from the primary', () => {
    expect(moves(plannedCopies(run({ sfu: verified() }), rules(), T0))).toEqual(['sfu > fnal', 'sfu > ral']);
  });
  test('from disk rather than from tape, from tape when there is nothing else', () => {
    const order = rules({ storages: [storage('ral', true), storage('sfu'), storage('fnal')] });
    expect(moves(plannedCopies(run({ ral: verified(), sfu: verified() }), order, T0))).toEqual(['sfu > fnal']);
    expect(moves(plannedCopies(run({ ral: verified() }), order, T0))).toEqual(['ral > sfu', 'ral > fnal']);
  });
  test('a new primary gets its copy from elsewhere once the buffer is purged', () => {
    const doc = run({ fnal: verified(), ral: verified() });
    const purged = doc.files.map((file) => ({
      ...file,
      original: { state: 'purged' as const, since: T0, receipt: 'r' },
    }));
    expect(moves(plannedCopies(doc, rules(), T0))).toEqual(['buffer L1 > sfu']);
    expect(moves(plannedCopies({ ...doc, files: purged }, rules(), T0))).toEqual(['fnal > sfu']);
  });
  test('a changed original is no source', () => {
    const doc = run();
    const changed = doc.files.map((file) => ({
      ...file,
      original: { state: 'changed' as const, since: T0, why: 'size' },
    }));
    expect(plannedCopies({ ...doc, files: changed }, rules(), T0)).toEqual([]);
  });
  test('sampled-out data are not copied', () => {
    expect(plannedCopies(run({}, { keep: { kept: false, rule: '10%' } }), rules(), T0)).toEqual([]);
  });
  test('from: buffer or a named element only', () => {
    expect(moves(plannedCopies(run(), rules({ from: 'buffer' }), T0))).toEqual([
      'buffer L1 > sfu',
      'buffer L1 > fnal',
      'buffer L1 > ral',
    ]);
    expect(moves(plannedCopies(run({ sfu: verified(), fnal: verified() }), rules({ from: 'fnal' }), T0))).toEqual([
      'fnal > ral',
    ]);
    expect(plannedCopies(run(), rules({ from: 'fnal' }), T0)).toEqual([]);
  });
  test('places that are aside are neither source nor destination', () => {
    expect(plannedCopies(run(), rules({ aside: new Set(['buffer L1']) }), T0)).toEqual([]);
    expect(plannedCopies(run(), rules({ aside: new Set(['sfu']) }), T0)).toEqual([]);
    const both = run({ sfu: verified(), fnal: verified() });
    expect(moves(plannedCopies(both, rules({ aside: new Set(['sfu']) }), T0))).toEqual(['fnal > ral']);
  });
  test('a disabled primary: the next one is it, and nothing is read from the disabled one', () => {
    const disabled = rules({ holds: [hold('storage', { storages: ['sfu'] })] });
    expect(moves(plannedCopies(run(), disabled, T0))).toEqual(['buffer L1 > fnal']);
    expect(plannedCopies(run({ sfu: verified(), fnal: verified(), ral: verified() }), disabled, T0)).toEqual([]);
    expect(moves(plannedCopies(run({ sfu: verified() }), disabled, T0))).toEqual(['buffer L1 > fnal']);
  });
  test('a transfer hold covers what its scope says, and no more', () => {
    const some = rules({ holds: [hold('transfer', { runs: [[109134, 109140]], storages: ['ral'] })] });
    expect(moves(plannedCopies(run({ sfu: verified() }), some, T0))).toEqual(['sfu > fnal']);
    expect(moves(plannedCopies(run({ sfu: verified() }, { run: 5 }), some, T0))).toEqual(['sfu > fnal', 'sfu > ral']);
    const all = rules({ holds: [hold('quarantine', { runs: [[109134, 109134]] })] });
    expect(plannedCopies(run(), all, T0)).toEqual([]);
    const jobs = rules({ holds: [hold('pause', { runs: [[109134, 109134]] })] });
    expect(plannedCopies(run(), jobs, T0)).toHaveLength(1);
  });
  test('slots: expired and cooled-off ones are due, others are not', () => {
    expect(isDue(undefined, T0, NOBODY)).toBe(true);
    expect(isDue(copying(T0), T0, NOBODY)).toBe(true);
    expect(isDue(copying(plus(T0, 1)), T0, NOBODY)).toBe(false);
    expect(isDue(failed(T0), T0, NOBODY)).toBe(true);
    expect(isDue(failed(plus(T0, 1)), T0, NOBODY)).toBe(false);
    expect(isDue(verified(), T0, NOBODY)).toBe(false);
    expect(isDue({ state: 'bad', attempt: 1, path: 'p', since: T0, why: 'x' }, T0, NOBODY)).toBe(false);
  });
});

describe('slots', () => {
  const claim = (nonce: string, now = T0, gone = NOBODY) => {
    return { host: 'h', nonce, holder: 'p', now, expires: plus(now, MINUTE), gone };
  };
  const settling = (nonce: string) => ({ nonce, now: plus(T0, 5), retry: MINUTE, by: 'transfer@h' });

  test('of two claims one wins; after expiry another attempt takes over and the first records nothing', () => {
    const doc = run();
    const [task] = plannedCopies(doc, rules(), T0) as [CopyTask];
    const first = claimSlots(doc, [task], claim('one'))!;
    expect(isOurs(first, task, 'one')).toBe(true);
    expect(claimSlots(first, [task], claim('two'))).toBeUndefined();
    const later = plus(T0, MINUTE);
    const [again] = plannedCopies(first, rules(), later) as [CopyTask];
    expect(again.attempt).toBe(2);
    const second = claimSlots(first, [again], claim('two', later))!;
    const renewal = { nonce: 'one', renewed: later, expires: plus(T0, HOUR) };
    expect(renewSlots(second, [task], renewal)).toBeUndefined();
    expect(settle(second, [{ task, did: 'verified' }], settling('one'))).toBeUndefined();
    const done = settle(second, [{ task: again, did: 'verified' }], settling('two'))!;
    expect(done.done).toEqual(['sfu']);
    expect(done.files[0]!.replicas.sfu).toMatchObject({ state: 'verified', attempt: 2, path: 'L1/109/a.zdab' });
    expect(done.history.at(-1)).toMatchObject({ to: 'verified', why: '1 file at sfu' });
  });
  test('the slot of a process that has ended, or that was claimed beyond now, is due at once', () => {
    const [task] = plannedCopies(run(), rules(), T0) as [CopyTask];
    const first = claimSlots(run(), [task], claim('one'))!;
    expect(plannedCopies(first, rules(), T0)).toEqual([]);
    const gone = new Set(['one']);
    const [again] = plannedCopies(first, rules({ gone }), T0) as [CopyTask];
    expect(claimSlots(first, [again], claim('two'))).toBeUndefined();
    expect(claimSlots(first, [again], claim('two', T0, gone))).toBeDefined();
    const tomorrow = claimSlots(run(), [task], claim('one', plus(T0, DAY)))!;
    expect(plannedCopies(tomorrow, rules(), T0)).toHaveLength(1);
    const renewed = renewSlots(first, [task], { nonce: 'one', renewed: plus(T0, DAY), expires: plus(T0, DAY) })!;
    expect(plannedCopies(renewed, rules(), T0)).toHaveLength(1);
  });
  test('a claim counts until its end, unless its process has ended or its clock was ahead', () => {
    const one = { host: 'h', nonce: 'n', since: T0, expires: plus(T0, MINUTE) };
    expect(isLive(one, T0, NOBODY)).toBe(true);
    expect(isLive({ ...one, since: plus(T0, MINUTE) }, T0, NOBODY)).toBe(true);
    expect(isLive(one, plus(T0, MINUTE), NOBODY)).toBe(false);
    expect(isLive(one, T0, new Set(['n']))).toBe(false);
    expect(isLive({ ...one, since: plus(T0, HOUR), expires: plus(T0, 2 * HOUR) }, T0, NOBODY)).toBe(false);
    expect(isLive({ ...one, renewed: plus(T0, HOUR), expires: plus(T0, 2 * HOUR) }, T0, NOBODY)).toBe(false);
    expect(isLive({ ...one, expires: plus(T0, 2 * DAY) }, T0, NOBODY)).toBe(false);
  });
  test('what failed beyond now is not waited for', () => {
    const one = { since: T0, retryAt: plus(T0, HOUR) };
    expect(isCooling(one, T0)).toBe(true);
    expect(isCooling(one, one.retryAt)).toBe(false);
    expect(isCooling({ since: plus(T0, HOUR), retryAt: plus(T0, 2 * HOUR) }, T0)).toBe(false);
    expect(isCooling({ retryAt: plus(T0, 2 * DAY) }, T0)).toBe(false);
  });
  test('back-off counts failures in a row, not tries that were stopped or killed', () => {
    let doc = run({}, {});
    const only = rules({ wanted: new Set(['sfu']), gone: new Set(['x']) });
    const tryOnce = (did: Result['did'], now: string): Replica => {
      const [task] = plannedCopies(doc, only, now) as [CopyTask];
      const claimed = claimSlots(doc, [task], claim('x', now, only.gone))!;
      doc = settle(claimed, [{ task, did }], { nonce: 'x', now, retry: MINUTE, by: 'h' }) ?? claimed;
      return doc.files[0]!.replicas.sfu!;
    };
    expect(tryOnce('failed', T0)).toMatchObject({ attempt: 1, failures: 1, retryAt: plus(T0, MINUTE) });
    const later = plus(T0, HOUR);
    expect(tryOnce('released', later)).toMatchObject({ attempt: 2, failures: 1, retryAt: later });
    expect(tryOnce('lost', later)).toMatchObject({ state: 'copying', attempt: 3, failures: 1 });
    expect(tryOnce('failed', later)).toMatchObject({ attempt: 4, failures: 2, retryAt: plus(later, 2 * MINUTE) });
  });
  test('a failure cools off twice as long each time, six hours at most', () => {
    expect([1, 2, 3, 4].map((attempt) => backOff(attempt, MINUTE) / MINUTE)).toEqual([1, 2, 4, 8]);
    expect(backOff(60, MINUTE)).toBe(6 * HOUR);
    expect(backOff(1, 12 * HOUR)).toBe(12 * HOUR);
  });
  test('a replica that was found wrong as a source is bad, and no longer counts as done', () => {
    const doc = run({ sfu: verified('there') });
    const [task] = plannedCopies(doc, rules(), T0) as [CopyTask];
    const claimed = claimSlots(doc, [task], claim('one'))!;
    const after = settle(claimed, [{ task, did: 'failed', why: 'differs', fault: 'replica' }], settling('one'))!;
    expect(after.files[0]!.replicas.sfu).toMatchObject({ state: 'bad', why: 'differs' });
    expect(after.done).toEqual([]);
    expect(after.files[0]!.replicas.fnal).toMatchObject({ state: 'failed', retryAt: plus(T0, 5 + MINUTE) });
  });
});

describe('path templates', () => {
  const fields = { level: 'L1', run: 109134, subrun: 2, name: 'SNOP_0000109134_002.zdab' };
  test.each([
    ['{level}/{run/1000}/{name}', 'L1/109/SNOP_0000109134_002.zdab'],
    ['raw/{run:10}/{subrun:3}-{name}', 'raw/0000109134/002-SNOP_0000109134_002.zdab'],
    ['{run/1000:7}/{name}', '0000109/SNOP_0000109134_002.zdab'],
    ['{level}_{run}_{subrun}', 'L1_109134_2'],
  ])('%s', (template, path) => {
    expect(compileTemplate(template).path(fields)).toBe(path);
  });
  test.each([
    '/{name}',
    '../{name}',
    'a/../{name}',
    '{name}/',
    'a//{name}',
    './{name}',
    '{run}',
    '{level}/{run}',
    '{nam}',
    '{name',
    '{name:3}',
    '{run/0}/{name}',
    '',
    '{run/1000}/{subrun}/{level}',
  ])('refuses %j', (template) => {
    expect(() => compileTemplate(template)).toThrow(ConfigError);
  });
  test('names a near miss', () => {
    expect(() => compileTemplate('{levl}/{name}')).toThrow(/no field 'levl' in template .*did you mean level\?/);
  });
  test.each(NASTY_NAMES)('keeps the name %j as it is', (name) => {
    expect(compileTemplate('{level}/{name}').path({ ...fields, name })).toBe(`L1/${name}`);
  });
  test('no name and no level leads out of the root', () => {
    const part = fc.oneof(fc.string(), fc.constantFrom('..', '.', '', '/', '../..', 'a/../../b', '\0'));
    const template = compileTemplate('{level}/{run/1000}/{name}');
    fc.assert(
      fc.property(part, part, (level, name) => {
        const parts = template.path({ ...fields, level, name }).split('/');
        expect(parts).toHaveLength(3);
        expect(parts.some((one) => one === '' || one === '.' || one === '..' || one.includes('\0'))).toBe(false);
      }),
    );
  });
});

describe('temporary names', () => {
  test('carry attempt and nonce, and only older attempts are stale', () => {
    const file = rawFile('a.zdab', 0, Buffer.from(''));
    expect(temporaryName(file, 3, 'abc')).toBe('.a.zdab.dflow-3-abc');
    expect(isStaleTemporary('.a.zdab.dflow-2-xyz', file, 3)).toBe(true);
    expect(isStaleTemporary('.a.zdab.dflow-3-xyz', file, 3)).toBe(false);
    expect(isStaleTemporary('.b.zdab.dflow-1-xyz', file, 3)).toBe(false);
    expect(isStaleTemporary('a.zdab', file, 3)).toBe(false);
    expect(isStaleTemporary('.a.zdab.dflow-', file, 3)).toBe(false);
  });
  test('of a name of 255 bytes is no longer than that', () => {
    const file = rawFile('é'.repeat(127), 0, Buffer.from(''));
    expect(Buffer.byteLength(temporaryName(file, 999, 'a'.repeat(16)))).toBeLessThanOrEqual(255);
  });
});

test('where a run is complete is read from its files, whatever a list in the document says', () => {
  const keys: unknown[] = [];
  const doc = run({ sfu: verified(), fnal: copying(T0) }, { done: ['fnal', 'sfu'] });
  transfers.map(doc, (key) => keys.push(key));
  expect(keys).toEqual([['L1', 'sfu', 109134]]);
});
