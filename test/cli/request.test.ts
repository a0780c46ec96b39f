// A request as a file and as a saved plan, by the built program: mistakes name file, line and key, and a plan is made once.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dflow, must } from '../support/cli.ts';
import { standingWorld, type World } from '../support/standing.ts';

let world: World;
beforeAll(async () => {
  world = await standingWorld({});
});
afterAll(() => world.remove());

const path = (name: string): string => join(world.folder, name);
const write = (name: string, text: string): void => writeFileSync(path(name), text);
const MAIL = `request: july
text: what Anna asked for
version: 1.0
modules: [Count]
runs: '@runs.txt'
priority: high
labels: gold
`;

test('a mailed request: every mistake with file, line, key and the near miss, and nothing is made', () => {
  write('wrong.yaml', 'request: july\nverson: 1.0\nmodules: [Count]\nruns:\n  - 1 - 3\n  - 12x\npriority: hihg\n');
  const shape = dflow(world.folder, ['reprocess', '-f', 'wrong.yaml']);
  expect([shape.code, shape.out]).toEqual([2, '']);
  for (const text of [
    'wrong.yaml:2:1',
    'unknown key verson',
    'did you mean version?',
    'wrong.yaml:6:5',
    "'12x' is not a run",
  ])
    expect(shape.err).toContain(text);
  expect(shape.err).toMatch(/wrong\.yaml:7:\d+ priority: 'hihg'.*did you mean high\?/);
  const names = 'request: july\nversion: 1.0\nmodules:\n  - Count\n  - Plt\nruns: 1\nlevel: L7\nafter: june\n';
  const ran = dflow(world.folder, ['reprocess', '-f', '-'], { input: names });
  expect(ran.code).toBe(2);
  expect(ran.err).toContain('standard input:5:');
  expect(ran.err).toMatch(/modules: no module 'Plt' in version 1\.0; did you mean Plot\?/);
  expect(ran.err).toContain("level: no level 'L7'");
  expect(ran.err).toContain("after: no request 'june'");
  expect(dflow(world.folder, ['list', 'requests']).out).toBe('');
});

test('flags that say the same are refused beside a file, and a name must be there once', () => {
  write('mail.yaml', MAIL);
  write('runs.txt', '# mailed\n1\n');
  const beside = (...more: string[]) => dflow(world.folder, ['reprocess', '-f', 'mail.yaml', '-n', ...more]);
  expect([beside('-m', 'Plot').code, beside('1').code, beside('--request', 'june').code]).toEqual([2, 2, 2]);
  expect(beside('--request', 'july').code).toBe(0);
  write('nameless.yaml', MAIL.replace('request: july\n', ''));
  expect(dflow(world.folder, ['reprocess', '-f', 'nameless.yaml', '-n']).err).toContain('--request NAME');
});

test('the plan of a file is saved, reviewed, made once, and reported', () => {
  write('mail.yaml', MAIL);
  write('runs.txt', '1\n');
  const plan = dflow(world.folder, ['reprocess', '-f', 'mail.yaml', '-n', '--plan', 'july.plan']);
  expect([plan.code, plan.err]).toEqual([0, 'july.plan: 1 pass\nNext: dflow reprocess --plan july.plan\n']);
  expect(plan.out).toContain('estimated\tCount\t1 pass, 1 job: not known, because no pass of Count has completed');
  const text = readFileSync(path('july.plan'), 'utf8');
  expect(text.split('\n').filter((line) => line.includes('"line":"pass"'))).toHaveLength(1);
  // A reviewed plan is not overwritten, and without --dry-run a request beside --plan is refused.
  expect(dflow(world.folder, ['reprocess', '-f', 'mail.yaml', '-n', '--plan', 'july.plan']).code).toBe(2);
  expect(dflow(world.folder, ['reprocess', '-f', 'mail.yaml', '--plan', 'other.plan']).err).toContain(
    'needs --dry-run',
  );
  expect(existsSync(path('other.plan'))).toBe(false);
  write('edited.plan', text.replace('"gold"', '"silver"'));
  const edited = dflow(world.folder, ['reprocess', '--plan', 'edited.plan']);
  expect([edited.code, edited.err]).toEqual([2, expect.stringContaining('edited.plan:2')]);
  const made = dflow(world.folder, ['reprocess', '--plan', 'july.plan', '--exactly', 'july.exactly']);
  expect([made.code, made.out]).toEqual([0, expect.stringContaining('made\t1/Count/2\t')]);
  expect(readFileSync(path('july.exactly'), 'utf8')).toBe('Count 1 2\n');
  const again = dflow(world.folder, ['reprocess', '--plan', 'july.plan', '--exactly', 'july.exactly']);
  expect([again.code, again.out]).toEqual([0, expect.stringContaining('nothing to make: 1 of 1 passes')]);
  expect(readFileSync(path('july.exactly'), 'utf8')).toBe('Count 1 2\n');
  // The mailed file continues the same request, and makes nothing.
  expect(must(world.folder, ['reprocess', '-f', 'mail.yaml'])).toBe('continued\trequest:july\n');
  const page = must(world.folder, ['report', '--request', 'july', '--md']);
  for (const words of ['For: what Anna asked for', 'Priority: 10', 'Labels: gold', '0 of 1 completed', 'Count 1 2'])
    expect(page).toContain(words);
  expect(must(world.folder, ['show', 'july', '--format', 'table'])).toContain('0 of 1 completed, 1 waiting');
  const [row] = must(world.folder, ['list', 'requests', '--json']).trim().split('\n');
  expect(JSON.parse(row!)).toMatchObject({ name: 'july', passes: 1, priority: 10, state: 'open', active: 0 });
});
