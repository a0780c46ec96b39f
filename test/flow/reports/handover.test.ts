// `status --since`: what happened, what was switched and by whom, what is open, what changed for the worse; notes.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Doc } from '../../../src/lib/domain/doc.ts';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import { passState, type SubjobState } from '../../../src/lib/domain/jobs/states.ts';
import { handover } from '../../../src/lib/flow/reports/handover/handover.ts';
import { pagesOf } from '../../../src/lib/flow/reports/show.ts';
import { pause, resume } from '../../../src/lib/flow/switches/holds.ts';
import { note, notesSince } from '../../../src/lib/flow/switches/notes.ts';
import { handoverMarkdown, handoverText } from '../../../src/lib/render/show/handover.ts';
import { HOUR, iso } from '../../../src/lib/util/time.ts';
import { job } from '../../support/docs.ts';
import { collect, makePorts, type TestPorts } from '../../support/ports.ts';

const NOW = Date.parse('2026-07-14T10:00:00.000Z');
const ago = (hours: number): string => iso(NOW - hours * HOUR);

let now = NOW;
let ports: TestPorts;
beforeEach(async () => {
  now = NOW;
  ports = { ...(await makePorts({ now: () => now, config: { farms: { here: {} } } })), by: 'anna@login1 (pause)' };
});
afterEach(() => ports.remove());

const put = (docs: readonly object[]) =>
  ports.store.bulk((docs as Doc[]).map((doc) => ({ id: doc._id, base: null, change: () => ({ write: doc }) })));

const failure = { cause: 'memory', reason: 'used 9 GB', site: 'here' };

function ended(run: number, at: string, state: SubjobState): JobDoc {
  const doc = job({ run });
  const subjobs = doc.subjobs.map((subjob) => ({ ...subjob, state }));
  const history = [{ at, from: 'held', to: 'waiting', by: 'ben@login2 (retry)', why: 'node is back', subjob: 0 }];
  return { ...doc, subjobs, state: passState(subjobs.map((one) => one.state)), since: at, history };
}

test('a shift of eight hours; what was before is left out', async () => {
  await put([
    ended(1, ago(1), { name: 'failed', since: ago(1), failure }),
    ended(2, ago(2), { name: 'failed', since: ago(2), failure }),
    ended(3, ago(20), { name: 'failed', since: ago(20), failure: { ...failure, cause: 'time-limit' } }),
    { _id: 'sample:sfu', kind: 'sample', v: 1, name: 'sfu', hours: [{ hour: ago(1).slice(0, 13), ok: 40, failed: 2 }] },
  ]);
  await collect(note(ports, 'cedar is slow', []));
  await collect(pause(ports, { what: 'pause', scope: { versions: ['1.0'] }, why: 'optics', slug: 'x' }));
  const page = await handover(ports, ago(8));
  expect(page.happened).toEqual(['sfu: 40 copies made, 2 failed', '2 passes failed: Count 2']);
  expect(page.worse).toEqual([
    { text: '2 passes stopped by memory in Count', next: 'dflow list jobs --cause memory --module Count' },
  ]);
  expect(page.switched.map(({ by, text }) => `${by}: ${text}`)).toEqual([
    'ben@login2 (retry): 2 passes to waiting: node is back',
    'anna@login1 (pause): hold:x paused: pause of version 1.0: optics',
  ]);
  expect(page.notes).toMatchObject([{ by: 'anna@login1 (pause)', text: 'cedar is slow' }]);
  expect(page.open.map(({ way }) => way)).toEqual(expect.arrayContaining(['hold', 'failed']));
});

test('what was ended is told with who ended it', async () => {
  await collect(pause(ports, { what: 'pause', scope: {}, why: 'optics', slug: 'x' }));
  now += HOUR;
  await collect(resume({ ...ports, by: 'ben@login2 (resume)' }, ['hold:x'], 'corrected'));
  const page = await handover(ports, iso(NOW + 1));
  expect(page.switched.map(({ by, text }) => `${by}: ${text}`)).toEqual([
    'ben@login2 (resume): hold:x resumed: corrected',
  ]);
});

test('the page fits a terminal, and its Markdown has the same lines with nothing that Markdown obeys', async () => {
  await collect(note(ports, 'file_a *and* <b>', ['12']));
  const page = await handover(ports, ago(8));
  const text = handoverText(page, 60);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60);
  const md = handoverMarkdown(page);
  expect(md).toMatch(/^# test: from 14 Jul .* to 14 Jul/);
  expect(md).toContain('## What changed for the worse\n\n- nothing\n');
  expect(md).toContain('file\\_a \\*and\\* \\<b\\> (12)');
});

test('a note about a run is on its page; a dry run writes none', async () => {
  const levels = { L1: { lastFile: ago(1), late: [], files: 0 } };
  await put([{ _id: 'run:0000000012', kind: 'run', v: 1, run: 12, levels, firstSeen: ago(2), history: [] }]);
  await collect(note(ports, 'ask ben', ['12'], { dryRun: true }));
  expect(await notesSince(ports.store)).toEqual([]);
  await collect(note(ports, 'ask ben', ['12']));
  const docs = [...(await ports.store.get(['run:0000000012'])).values()];
  expect(await pagesOf(ports, docs)).toMatchObject([{ of: 'run', notes: [{ text: 'ask ben' }] }]);
});
