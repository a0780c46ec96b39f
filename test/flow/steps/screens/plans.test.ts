// Crontab lines and unit files: what they say is what is meant, whatever the names hold.
import { describe, expect, test } from 'vitest';
import { crontab, timesOf } from '../../../../src/lib/flow/steps/screens/crontab.ts';
import { launchOf } from '../../../../src/lib/flow/steps/screens/launch.ts';
import { units } from '../../../../src/lib/flow/steps/screens/units.ts';
import { DAY, HOUR, MINUTE, SECOND } from '../../../../src/lib/util/time.ts';

const PROGRAM = { node: '/opt/node 20/bin/node', script: '/opt/dflow/bin/run.js' };
const loop = (name: string, more = {}) =>
  launchOf({ name, run: [name], on: true, ...more }, '/data/50% full/dflow.yaml', PROGRAM);

/** Minutes of a day at which the fields of a crontab line hold. */
function firing(fields: string): number[] {
  const [minute = '', hour = ''] = fields.split(' ');
  const holds = (field: string, value: number): boolean => {
    const [range = '', step = '1'] = field.split('/');
    const [from = '0'] = range === '*' ? [] : range.split('-');
    if (!field.includes('/') && range !== '*') return Number(range) === value;
    return value >= Number(from) && (value - Number(from)) % Number(step) === 0;
  };
  return Array.from({ length: 24 * 60 }, (_, at) => at).filter(
    (at) => holds(minute, at % 60) && holds(hour, Math.floor(at / 60)),
  );
}

describe('times of a crontab', () => {
  test.each([
    [10 * SECOND, MINUTE],
    [MINUTE, MINUTE],
    [7 * MINUTE, 6 * MINUTE],
    [15 * MINUTE, 15 * MINUTE],
    [45 * MINUTE, 30 * MINUTE],
    [HOUR, HOUR],
    [5 * HOUR, 4 * HOUR],
    [DAY, DAY],
    [3 * DAY, DAY],
  ])('every %d ms: evenly, never less often than asked unless a crontab cannot say it', (every, expected) => {
    for (const shift of [0, 1, 7, 59, 61]) {
      const { fields, every: meant } = timesOf(every, shift);
      expect(meant).toBe(expected);
      const times = firing(fields);
      expect(times.length).toBe(DAY / meant);
      const gaps = times.map((at, index) => (times[(index + 1) % times.length]! - at + 1440) % 1440 || 1440);
      expect(new Set(gaps)).toEqual(new Set([meant / MINUTE]));
    }
  });
});

test('a crontab: blanks in quotes, % escaped, what is switched off is a comment', () => {
  const text = crontab('dflow test on buffer1', [loop('register'), loop('purge', { on: false })], { PATH: '/bin' });
  const [register, purge] = text.split('\n').filter((line) => line.includes('/opt'));
  expect(register).toBe(
    "*/15 * * * * '/opt/node 20/bin/node' /opt/dflow/bin/run.js loop --config '/data/50\\% full/dflow.yaml' --name register --quiet",
  );
  expect(purge).toMatch(/^# \d+ \* \* \* \* /);
  expect(text).toContain('\nPATH=/bin\n');
});

test('units: escaped for systemd, started again when they die, off loops left out', () => {
  const made = units([loop('register'), loop('purge', { on: false })], {
    experiment: 'test',
    host: 'buffer1',
    folder: '/data/50% full',
    user: 'daq',
    env: { X509_USER_PROXY: '/tmp/a "b" $c' },
  });
  expect(made.map(({ name }) => name)).toEqual(['dflow-test-register.service', 'dflow-test.target']);
  expect(made[0]?.text).toContain('WorkingDirectory=/data/50%% full\n');
  expect(made[0]?.text).toContain('Environment="X509_USER_PROXY=/tmp/a \\"b\\" $c"\n');
  expect(made[0]?.text).toContain('ExecStart="/opt/node 20/bin/node" /opt/dflow/bin/run.js loop --config ');
  expect(made[0]?.text).toContain('"/data/50%% full/dflow.yaml"');
  expect(made[0]?.text).toContain('User=daq\n');
  expect(made[1]?.text).toContain('Wants=dflow-test-register.service\n');
});
