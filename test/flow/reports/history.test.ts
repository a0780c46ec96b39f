// `history`: by whom, subjobs that changed together, what is no longer kept.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { appendHistory, type Doc, HISTORY_LIMIT } from '../../../src/lib/domain/doc.ts';
import { changedDocs, historyRows, isBy, shortened } from '../../../src/lib/flow/reports/history.ts';
import { job } from '../../support/docs.ts';
import { makePorts, type TestPorts } from '../../support/ports.ts';

const AT = '2026-07-14T02:00:00.000Z';
const LATER = '2026-07-14T03:00:00.000Z';
const entry = (subjob: number, at = LATER) => ({ at, from: 'waiting', to: 'held', by: 'anna@login1 (pause)', subjob });

test.each([
  ['anna', true],
  ['login1', true],
  ['pause', true],
  ['anna@login1', true],
  ['an*', true],
  ['ann', false],
  ['login', false],
])('anna@login1 (pause) is by %s: %s', (text, yes) => {
  expect(isBy('anna@login1 (pause)', text)).toBe(yes);
});

test('changes that an earlier dflow wrote are found by command and host', () => {
  expect(['retry', 'login1', 'anna'].map((text) => isBy('retry@login1', text))).toEqual([true, true, false]);
});

describe('rows', () => {
  const doc = { ...job({ run: 12 }), history: [{ at: AT, to: 'waiting', by: 'x@y (enqueue)' }, entry(0), entry(1)] };

  test('the same change of several subjobs is one', () => {
    const rows = historyRows([doc], {});
    expect(rows.map(({ ref, to, subjobs }) => [ref, to, subjobs])).toEqual([
      ['12/Count/1', 'waiting', undefined],
      ['12/Count/1', 'held', [0, 1]],
    ]);
  });

  test('of one subjob it names that one', () => {
    const one = { ...doc, history: [entry(1)] };
    expect(historyRows([one], {})).toMatchObject([{ ref: '12/Count/1.001', subjob: 1 }]);
  });

  test('a hold was put and ended, each by somebody', () => {
    const ended = { at: LATER, by: 'ben@login2 (resume)', why: 'corrected' };
    const hold = { _id: 'hold:a', kind: 'hold', v: 1, what: 'pause', scope: {}, why: 'optics', since: AT, ended };
    const rows = historyRows([{ ...hold, by: 'anna@login1 (pause)' } as Doc], { by: 'ben' });
    expect(rows).toMatchObject([{ ref: 'hold:a', from: 'paused', to: 'resumed', why: 'corrected' }]);
  });

  test('what is no longer kept is known', () => {
    let history = doc.history as ReturnType<typeof appendHistory>;
    for (let at = 0; at < HISTORY_LIMIT; at++) history = appendHistory(history, entry(at));
    expect(shortened([{ ...doc, history } as Doc, doc])).toEqual(['12/Count/1']);
  });
});

describe('without a REF', () => {
  let ports: TestPorts;
  beforeEach(async () => {
    ports = await makePorts();
  });
  afterEach(() => ports.remove());

  test('passes that changed since then, and every hold', async () => {
    const hold = {
      _id: 'hold:a',
      kind: 'hold',
      v: 1,
      what: 'pause',
      scope: {},
      why: 'x',
      by: 'a@b (pause)',
      since: AT,
    };
    const docs = [{ ...job({ run: 1 }), since: AT }, { ...job({ run: 2 }), since: LATER }, hold] as Doc[];
    await ports.store.bulk(docs.map((doc) => ({ id: doc._id, base: null, change: () => ({ write: doc }) })));
    const found = await changedDocs(ports, '2026-07-14T02:30:00.000Z');
    expect(found.map(({ _id }) => _id)).toEqual(['job:0000000002:Count:001', 'hold:a']);
  });
});
