// The rules that CouchDB runs on each document: which role may make which change. The text is taken as the server takes it.
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { areInForce, RULES_ID, roleName, type roleRules, rulesDoc } from '../../src/lib/stores/couch/admin/rules.ts';
import { SETS } from '../../src/lib/stores/couch/design.ts';

const rules = runInNewContext(`(${rulesDoc().validate_doc_update})`) as typeof roleRules;
const SECURITY = {
  admins: { names: ['ada'], roles: ['_admin'] },
  members: { names: [], roles: (['reader', 'site', 'operator'] as const).map((role) => roleName('data', role)) },
};
const as = (...roles: string[]) => ({ name: 'ann', roles });
const SITE = as(roleName('data', 'site'));
const OPERATOR = as(roleName('data', 'operator'));
const READER = as(roleName('data', 'reader'));

type Doc = Record<string, unknown>;

/** What the rules say against it. */
function refused(
  doc: Doc,
  before: Doc | null,
  user: { name: string | null; roles: string[] } = SITE,
): string | undefined {
  try {
    rules(doc, before, user, SECURITY);
    return undefined;
  } catch (error) {
    return (error as { forbidden: string }).forbidden;
  }
}

const T1 = '2026-07-01T00:00:00.000Z';
const T2 = '2026-07-02T00:00:00.000Z';
const T3 = '2026-07-03T00:00:00.000Z';

const job = (name: string, more: Doc = {}, subjob: Doc = {}): Doc => ({
  _id: 'job:0000000001:Count:001',
  kind: 'job',
  priority: 0,
  state: name,
  subjobs: [{ index: 0, state: { name, ...more }, ...subjob }],
});
const hold = (more: Doc = {}): Doc => ({
  ...{ _id: 'hold:pause-a', kind: 'hold', what: 'pause', scope: {}, why: 'x', by: 'pause@a', since: T1 },
  ...more,
});
const gone = (kind: string): Doc => ({ _id: `${kind}:x`, kind, _deleted: true });

/** What, the document, what it was before, and the role that it takes. */
const CASES: readonly (readonly [string, Doc, Doc | null, 'site' | 'operator'])[] = [
  ['a heartbeat', { kind: 'farm', identity: { cluster: 'c' } }, { kind: 'farm', identity: { cluster: 'c' } }, 'site'],
  ['a farm that is new', { kind: 'farm', identity: { cluster: '' } }, null, 'site'],
  [
    'a farm without its batch system',
    { kind: 'farm', identity: { cluster: '' } },
    { kind: 'farm', identity: { cluster: 'c' } },
    'operator',
  ],
  ['a kind of a later version', { kind: 'later' }, null, 'site'],
  ['a request', { kind: 'request' }, null, 'operator'],
  ['a plan', { kind: 'plan' }, null, 'operator'],
  ['a tag', { kind: 'tag' }, null, 'operator'],
  ['an automatic pass', job('waiting'), null, 'site'],
  ['a pass of a request', { ...job('waiting'), request: 'r' }, null, 'operator'],
  ['a pass that is done already', job('completed'), null, 'operator'],
  ['a claim', job('submitting'), job('waiting'), 'site'],
  ['a claim that is given back', job('waiting'), job('submitting'), 'site'],
  ['the end of a job', job('completed'), job('running'), 'site'],
  ['a failure', job('failed'), job('running'), 'site'],
  ['a job that cools off', job('held', { until: T2 }), job('running'), 'site'],
  ['a job that the batch system refused', job('held'), job('submitting'), 'site'],
  ['a job whose time has come', job('waiting'), job('held', { until: T1 }), 'site'],
  ['a held job that is released', job('waiting'), job('held'), 'operator'],
  ['a waiting job that is held', job('held'), job('waiting'), 'operator'],
  ['a retry', job('waiting'), job('failed'), 'operator'],
  ['a retry of a canceled job', job('waiting'), job('canceled'), 'operator'],
  ['a deleted job that is made again', job('waiting'), job('deleted'), 'operator'],
  ['outputs that are deleted', job('deleted'), job('completed'), 'operator'],
  ['a completed job that runs again', job('waiting'), job('completed'), 'operator'],
  ['a cancel', job('canceled'), job('waiting'), 'operator'],
  ['the wish to cancel', job('running', {}, { wanted: { state: 'canceled' } }), job('running'), 'operator'],
  ['the wish to put back', job('running', {}, { wanted: { state: 'waiting' } }), job('running'), 'operator'],
  ['a wish that is carried out', job('canceled'), job('running', {}, { wanted: { state: 'canceled' } }), 'site'],
  ['another end than the wish', job('canceled'), job('running', {}, { wanted: { state: 'waiting' } }), 'operator'],
  ['a wish that is taken back', job('running'), job('running', {}, { wanted: { state: 'canceled' } }), 'operator'],
  [
    'an observation beside a wish',
    job('running', {}, { wanted: { state: 'canceled' }, raw: 'R' }),
    job('running', {}, { wanted: { state: 'canceled' } }),
    'site',
  ],
  ['another priority', { ...job('waiting'), priority: 9 }, job('waiting'), 'operator'],
  ['a subjob less', { ...job('waiting'), subjobs: [] }, job('waiting'), 'operator'],
  ['a calibration hold', hold({ what: 'calibration' }), null, 'site'],
  ['a hold for a site fault', hold({ _id: 'hold:fault-cedar-Count-1', until: T2 }), null, 'site'],
  ['a pause', hold(), null, 'operator'],
  ['the end of a pause', hold({ ended: { at: T2 } }), hold(), 'operator'],
  ['a hold whose time is over', hold({ until: T2, ended: { at: T3 } }), hold({ until: T2 }), 'site'],
  ['a hold whose time is not over', hold({ until: T3, ended: { at: T2 } }), hold({ until: T3 }), 'operator'],
  [
    'a hold by a wrong clock',
    hold({ since: T2, until: T3, ended: { at: T1 } }),
    hold({ since: T2, until: T3 }),
    'site',
  ],
  ['another end of a hold', hold({ until: T3 }), hold({ until: T2 }), 'operator'],
  [
    'the end of a calibration hold',
    hold({ what: 'calibration', ended: { at: T2 } }),
    hold({ what: 'calibration' }),
    'operator',
  ],
  [
    'a site fault again',
    hold({ _id: 'hold:fault-a', since: T3, until: T3 }),
    hold({ _id: 'hold:fault-a', until: T2 }),
    'site',
  ],
  [
    'a run that is complete',
    { kind: 'run', levels: { L1: { complete: { evidence: 'marker' } } } },
    { kind: 'run', levels: { L1: {} } },
    'site',
  ],
  [
    'a run that is declared complete',
    { kind: 'run', levels: { L1: { complete: { evidence: 'declared by a' } } } },
    { kind: 'run', levels: { L1: {} } },
    'operator',
  ],
  [
    'a run that was declared complete',
    { kind: 'run', levels: { L1: { complete: { evidence: 'declared by a' } } } },
    { kind: 'run', levels: { L1: { complete: { evidence: 'declared by a' } } } },
    'site',
  ],
  ['a run that gets a label', { kind: 'run', levels: {}, labels: ['gold'] }, { kind: 'run', levels: {} }, 'operator'],
  ['a run that loses a label', { kind: 'run', levels: {} }, { kind: 'run', levels: {}, labels: ['gold'] }, 'operator'],
  [
    'a labelled run that has more files',
    { kind: 'run', levels: { L1: {} }, labels: ['gold'] },
    { kind: 'run', levels: {}, labels: ['gold'] },
    'site',
  ],
  ['a labelled run that goes', gone('run'), { kind: 'run', levels: {}, labels: ['gold'] }, 'operator'],
  ['a run without files that goes', gone('run'), { kind: 'run', levels: {} }, 'site'],
  ['a run that is known', gone('run'), { kind: 'run', levels: {}, automatic: {} }, 'operator'],
  ['a removed job', gone('job'), job('completed'), 'operator'],
  ['a run that is archived', { kind: 'archived', state: 'leaving' }, null, 'operator'],
  ['an archived run that is back', gone('archived'), { kind: 'archived' }, 'operator'],
  ['a removed job in disguise', gone('claim'), job('completed'), 'operator'],
  ['a job that becomes something else', { kind: 'claim' }, job('completed'), 'operator'],
  ...['data', 'hold', 'request', 'farm', 'table'].map(
    (kind) => [`a removed ${kind}`, gone(kind), { kind }, 'operator'] as const,
  ),
  ...['claim', 'lease', 'quarantine', 'notice', 'unread', 'trash', 'firstpass', 'looks', 'later'].map(
    (kind) => [`a removed ${kind}`, gone(kind), { kind }, 'site'] as const,
  ),
  ['a document where one was removed', job('waiting'), { ...gone('job'), _deleted: true }, 'site'],
];

describe.each(CASES)('%s', (_, doc, before, needs) => {
  test(`takes the role ${needs}`, () => {
    expect(refused(doc, before, SITE)).toEqual(
      needs === 'site' ? undefined : expect.stringMatching(/^needs the role operator: /),
    );
    expect(refused(doc, before, OPERATOR)).toBeUndefined();
    expect(refused(doc, before, READER)).toBe('needs the role site: to write anything');
  });
});

test('who has no role writes nothing; admins of the database and of the server write everything', () => {
  const request = { kind: 'request' };
  expect(refused(request, null, as())).toMatch(/^needs the role/);
  expect(refused(request, null, { name: null, roles: [] })).toMatch(/^needs the role/);
  expect(refused(request, null, { name: 'ada', roles: [] })).toBeUndefined();
  expect(refused(request, null, as('_admin'))).toBeUndefined();
});

test('roles of another database of the server count nothing, nor do words that only look alike', () => {
  for (const word of [
    roleName('other', 'operator'),
    'operator',
    ':operator',
    'dflow:data:operator:x',
    'dflow:operator',
  ])
    expect(refused({ kind: 'lease' }, null, as(word))).toMatch(/^needs the role/);
});

test('the rules lie outside the range of the view sets, which any version prunes', () => {
  expect(RULES_ID < SETS.startkey || RULES_ID > SETS.endkey).toBe(true);
});

test('rules that somebody edited are noticed; those of a later version stay', () => {
  const own = rulesDoc();
  expect(areInForce(own)).toBe(true);
  expect(areInForce(undefined)).toBe(false);
  expect(areInForce({ ...own, validate_doc_update: 'function () {}' })).toBe(false);
  expect(areInForce({ ...own, rules: 99, validate_doc_update: 'function () {}' })).toBe(true);
});
