// A short run of `npm run fuzz`: some hundred broken inputs for everything that reads text from outside.
//   DFLOW_FUZZ_INPUTS=100000 DFLOW_FUZZ_SEED=7 npx vitest run --config test/vitest.config.ts test/slow/fuzz.test.ts
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { load } from '../../src/lib/cli/config/load.ts';
import * as samples from '../support/fuzz/samples.ts';

const root = resolve(import.meta.dirname, '../..');
const { DFLOW_FUZZ_INPUTS: inputs = '100', DFLOW_FUZZ_SEED: seed = '1' } = process.env;

const fuzz = (...args: string[]) =>
  spawnSync(process.execPath, [join(root, 'bench/tools/fuzz.mjs'), ...args], { cwd: root, encoding: 'utf8' });

test(`${inputs} broken inputs for each reader, seed ${seed}: no crash, no hang`, () => {
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

test('samples of configurations and modules are good before they are broken', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'dflow-fuzz-'));
  mkdirSync(join(folder, 'modules'));
  writeFileSync(join(folder, 'dflow.yaml'), samples.config[0]!);
  writeFileSync(join(folder, 'modules/1.0.yaml'), samples.modules[0]!);
  writeFileSync(join(folder, 'ana.mac'), samples.macro[0]!);
  const { settings } = await load({ cwd: folder, env: {}, host: 'here' });
  rmSync(folder, { recursive: true });
  expect(Object.keys(settings.modules['1.0']?.modules ?? {})).toEqual(['Fit', 'Ana', 'Tab']);
  // What documents name is looked up: nothing but modules may be found.
  expect([settings.modules.constructor, settings.modules['1.0']?.modules.toString]).toEqual([undefined, undefined]);
});
