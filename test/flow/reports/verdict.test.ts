// The first line of `why`: whether it goes on by itself, and if not, what stops it, down to the root. And everything else
// that has a name: requests, holds, files, quarantine entries.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Doc } from '../../../src/lib/domain/doc.ts';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import { passState, type SubjobState } from '../../../src/lib/domain/jobs/states.ts';
import { why } from '../../../src/lib/flow/reports/why/why.ts';
import { whyJobs } from '../../../src/lib/flow/reports/why/whyjobs.ts';
import { whyFile } from '../../../src/lib/flow/reports/why/whythings.ts';
import { together, whyText } from '../../../src/lib/render/why.ts';
import { dataDoc, job, module, rawFile, T0 } from '../../support/docs.ts';
import { makePorts, type TestPorts } from '../../support/ports.ts';

let ports: TestPorts;
beforeEach(async () => {
  ports = await makePorts({ config: { farms: { here: {} } }, now: () => Date.parse(T0) + 60_000 });
});
afterEach(() => ports.remove());

const put = (...docs: readonly object[]) =>
  ports.store.bulk(
    (docs as Doc[]).map((doc) => ({ id: doc._id, base: null, change: () => ({ write: { ...doc, v: 1 } }) })),
  );

const data = dataDoc(
  12,
  [0, 1, 2].map((subrun) => rawFile(12, subrun, ['sfu', 'fnal', 'ral'])),
);
const failed = (cause: string): SubjobState => {
  return { name: 'failed', since: T0, failure: { cause, reason: 'offset 23056', site: 'here' } };
};
const waitsFor = (id: string): SubjobState => ({ name: 'waiting', since: T0, wake: { kind: 'on', id } });

function withStates(doc: JobDoc, ...states: readonly SubjobState[]): JobDoc {
  const subjobs = doc.subjobs.map((one, at) => ({ ...one, state: states[at] ?? states.at(-1)! }));
  return { ...doc, subjobs, state: passState(subjobs.map(({ state }) => state)) };
}

const lock = { site: 'here', epoch: 1, claim: 'c', index: 0 };
const completed: SubjobState = { name: 'completed', since: T0, lock, execution: 'e', outputs: [], usage: {} };
const processing = job({ module: module('Processing'), data });
const analysis = job({ module: module('Analysis', { needs: ['Processing'] }), data, needs: [processing] });
const plot = job({ module: module('Plot', { needs: ['Analysis'] }), data, needs: [analysis] });
const asleep = withStates(analysis, waitsFor(processing._id));
const verdicts = async (...jobs: readonly JobDoc[]) => (await whyJobs(ports, jobs)).map(({ verdict }) => verdict);

describe('of a pass', () => {
  test('which file of the prerequisite is damaged, and that no copy is better', async () => {
    await put(data, withStates(processing, failed('damaged'), completed, completed), asleep);
    const [report] = await whyJobs(ports, [asleep]);
    expect(report).toMatchObject({
      state: 'unsatisfied',
      verdict: 'will not start: Processing failed on 1 of 3 files (damaged, the same bytes in all 3 copies)',
    });
    expect(whyText(report!, 200).split('\n')[0]).toContain('UNSATISFIED  will not start: Processing failed');
  });

  test('a copy that is bad itself is not one of the same bytes', async () => {
    const bad = { state: 'bad', attempt: 1, path: 'x', since: T0, why: 'w' } as const;
    const [first, ...rest] = data.files;
    await put({ ...data, files: [{ ...first!, replicas: { ...first!.replicas, ral: bad } }, ...rest] });
    const job = withStates(processing, failed('damaged'), completed, completed);
    expect(await verdicts(job)).toEqual(['failed on 1 of 3 files (damaged, the same bytes in 2 of 3 copies)']);
  });

  test('beyond a prerequisite that waits itself: the root, as a gate and as what is to be typed', async () => {
    const root = withStates(processing, failed('time-limit'));
    const last = withStates(plot, waitsFor(analysis._id));
    await put(data, root, asleep, last);
    const [report] = await whyJobs(ports, [last]);
    expect(report!.verdict).toBe('will not start: Processing failed on 3 of 3 files (time-limit: offset 23056)');
    expect(report!.gates).toContainEqual(expect.objectContaining({ gate: 'root', ok: false }));
    expect(report!.next).toContain('dflow retry 12/Processing/1');
  });

  test.each([
    [
      'waits for what runs',
      [withStates(processing, { name: 'running', since: T0, lock, backendId: 'b' }), asleep],
      'waits for 12/Processing/1, which is running',
    ],
    [
      'several causes are counted',
      [withStates(processing, failed('memory'), failed('disk'), failed('disk'))],
      'failed on 3 of 3 files (1 memory, 2 disk)',
    ],
    ['done', [withStates(processing, completed)], 'done'],
  ])('%s', async (_, jobs, verdict) => {
    await put(data, ...jobs);
    expect(await verdicts(jobs.at(-1)!)).toEqual([verdict]);
  });
});

test('passes that say the same are one answer with all their REFs', async () => {
  const hold = { what: 'pause', scope: {}, why: 'optics', by: 'anna@login1 (pause)', since: T0 };
  await put({ _id: 'hold:pause-x', kind: 'hold', ...hold }, dataDoc(13, data.files), data);
  const jobs = [12, 13].map((run) =>
    withStates(job({ run, data: dataDoc(run, data.files) }), waitsFor('hold:pause-x')),
  );
  const [same, ...more] = together(await whyJobs(ports, jobs));
  expect([more.length, same!.refs]).toEqual([1, ['12/Count/1']]);
  const reports = ['a', 'b', 'c'].map((ref) => ({ ...same!.report, ref }));
  expect(together(reports).map(({ refs }) => refs)).toEqual([['a', 'b', 'c']]);
  expect(whyText(reports[0]!, 200, ['a', 'b', 'c'])).toMatch(/^a, b, c {2}WAITING/);
});

describe('of what has a name', () => {
  const of = async (id: string) => (await why(ports, { text: id, id }))[0]!;

  test('a request: how far it is, what failed and why, what it waits for', async () => {
    const plan = [1, 2, 3].map((run) => ({ run, module: 'Count', pass: 1, needs: [] }));
    const request = { kind: 'request', version: '1.0', level: 'L1', modules: ['Count'], priority: 0, labels: [] };
    const more = { prerequisite: 'latest', by: 'anna@login1 (reprocess)', created: T0, made: T0, history: [] };
    const jobs = plan.map(({ run }) => job({ run, request: 'july' }));
    await put(
      { _id: 'request:july', name: 'july', plan, ...request, ...more },
      ...[withStates(jobs[0]!, completed), withStates(jobs[1]!, failed('memory')), jobs[2]!],
    );
    const report = await of('request:july');
    expect(report.verdict).toBe('1 of 3 passes done; 1 pass failed (memory 1)');
    expect(report.next).toContain('dflow retry --request july --state failed');
  });

  test('a hold: what it covers, who waits, who put it', async () => {
    const hold = { what: 'pause', scope: { versions: ['1.0'] }, why: 'optics', by: 'anna@login1 (pause)', since: T0 };
    await put({ _id: 'hold:pause-x', kind: 'hold', ...hold }, withStates(job(), waitsFor('hold:pause-x')));
    const report = await of('hold:pause-x');
    expect(report.verdict).toBe('holds version 1.0: optics');
    expect(report.gates.map(({ text }) => text)).toEqual(['put by anna@login1 (pause)', '2 subjobs wait for it']);
    expect(report.next).toEqual(['dflow resume hold:pause-x']);
  });

  test('a file in quarantine, by its id and by its name', async () => {
    const doc = { _id: 'quarantine:L1:odd.dat', kind: 'quarantine', level: 'L1', name: 'odd.dat', at: T0 };
    await put({ ...doc, reason: 'empty', detail: '0 bytes' });
    const report = await of('quarantine:L1:odd.dat');
    expect(report).toMatchObject({ verdict: 'odd.dat is in quarantine: empty, 0 bytes', next: ['dflow purge --junk'] });
    expect(await whyFile(ports, 'odd.dat')).toEqual([report]);
  });

  test('a registered file: each of its copies', async () => {
    const bad = { state: 'bad', attempt: 1, path: 'x', since: T0, why: 'other checksum' } as const;
    const name = 'SNOP_0000000012_000.dat';
    const file = { ...rawFile(12, 0, ['sfu']), name };
    await put(dataDoc(12, [{ ...file, replicas: { ...file.replicas, ral: bad } }]));
    expect(await whyFile(ports, name)).toMatchObject([
      { verdict: '1 verified copy; ral: bad: other checksum', next: ['dflow verify --repair --run 12'] },
    ]);
  });
});
