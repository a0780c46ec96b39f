// dflow metrics: every line follows the grammar of the format, no label names a run, and the file is replaced as a whole.
// A real parser reads the same text in test/systems/watching.test.ts.
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { metrics } from '../../../src/lib/flow/reports/metrics/metrics.ts';
import { metricsText } from '../../../src/lib/render/metrics.ts';
import { runIn, setSubjob, standingWorld, type World } from '../../support/standing.ts';

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.remove();
});

const LINE =
  /^(# (HELP|TYPE) dflow_[a-z_]+ .+|dflow_[a-z_]+(\{[a-z]+="[^"\n]*"(,[a-z]+="[^"\n]*")*\})? -?\d[\d.e+-]*|# EOF)$/;

test('numbers of the experiment, in the grammar of OpenMetrics, without a run in a label', async () => {
  const world = await standingWorld({});
  worlds.push(world);
  const failure = { cause: 'odd "cause"\n', reason: 'x', site: 'here' };
  await setSubjob(world, { name: 'failed', since: world.ago(0), failure });
  const text = await metricsText(await metrics(world, '1.2.3'));
  const lines = text.trimEnd().split('\n');
  for (const line of lines.filter((one) => !one.includes('odd'))) expect(line).toMatch(LINE);
  expect(lines.at(-1)).toBe('# EOF');
  expect(lines).toContain('dflow_passes{version="1.0",module="Count",state="failed"} 1');
  expect(lines).toContain('dflow_failed_subjobs{cause="odd \\"cause\\"\\n",farm="here",how="failed"} 1');
  expect(lines).toContain('dflow_storage_files{storage="a",state="verified"} 1');
  expect(lines).toContain('dflow_attention{way="failed"} 1');
  expect(text).toMatch(/^dflow_loop_last_run_timestamp_seconds\{host="[^"]+",loop="register"\} \d{10}(\.\d+)?$/m);
  expect(text).not.toMatch(/run="|pass="|0000000001/);
});

test('the file is replaced as a whole, for everybody to read; a store that is away is dflow_up 0', async () => {
  const world = await standingWorld({});
  worlds.push(world);
  const folder = join(world.folder, 'textfile');
  const out = join(folder, 'dflow.prom');
  mkdirSync(folder);
  writeFileSync(out, 'dflow_old 1\n', { mode: 0o600 });
  expect((await runIn(world, ['metrics', '--out', out])).code).toBe(0);
  expect(readFileSync(out, 'utf8')).toMatch(/^dflow_up 1$/m);
  expect(statSync(out).mode & 0o777).toBe(0o644);
  await world.configure({ more: `store: sqlite:${world.folder}/none/dflow.db` }).catch(() => undefined);
  await expect(runIn(world, ['metrics', '--out', out])).rejects.toMatchObject({ exit: 3 });
  expect(readFileSync(out, 'utf8')).toMatch(/^dflow_up 0\n# EOF\n$/m);
  expect(readdirSync(folder)).toEqual(['dflow.prom']);
});
