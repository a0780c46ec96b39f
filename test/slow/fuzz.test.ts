// A short run of `npm run fuzz`: some hundred broken inputs for everything that reads text from outside.
//   DFLOW_FUZZ_INPUTS=100000 DFLOW_FUZZ_SEED=7 npx vitest run --config test/vitest.config.ts test/slow/fuzz.test.ts
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const { DFLOW_FUZZ_INPUTS: inputs = '100', DFLOW_FUZZ_SEED: seed = '1' } = process.env;

const fuzz = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'bench/fuzz.mjs'), ...args], { cwd: root, encoding: 'utf8' });

test(`${inputs} broken inputs for each reader, seed ${seed}: no crash, no hang`, { timeout: 20 * 60_000 }, () => {
  const ran = fuzz('--inputs', inputs, '--seed', seed, '--seconds', '600', '--hang', '60');
  console.log(ran.stdout);
  expect(ran.stderr).toBe('');
  expect(ran.status).toBe(0);
  expect(ran.stdout).toMatch(/^all +\d{3,} +0 +0 *$/m);
});

test('a crash and a hang are found and named, and the others go on', () => {
  const ran = fuzz('--inputs', '40', '--hang', '1', '--target', 'broken');
  expect(ran.stdout).toMatch(/^broken +40 +5 +2 /m);
  expect(ran.stdout).toContain('--target broken --seed 1 --only 2');
  expect(ran.status).toBe(1);
});
