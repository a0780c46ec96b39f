// Suites that need real systems: `npm run test:systems`. The systems are brought up before and taken down after.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig, mergeConfig } from 'vitest/config';
import base from '../vitest.config.ts';
import { leftOut } from './setup.ts';

const { exclude: _, include: __, ...test } = base.test ?? {};

const home = join(process.env.DFLOW_TEST_CACHE ?? '/var/cache/dflow-test', 'home');
mkdirSync(home, { recursive: true });

export default mergeConfig(
  { ...base, test },
  defineConfig({
    test: {
      include: ['test/systems/**/*.test.ts'],
      exclude: ['node_modules/**', ...leftOut()],
      globalSetup: ['test/systems/setup.ts'],
      // Ganga's Local starts a login shell for each job: what the machine's own login files do is not tested.
      env: { HOME: home, DFLOW_TEST_SHARED: '1' },
      testTimeout: 120_000,
      hookTimeout: 120_000,
      // The systems are shared: a suite that kills a server must not do so to another suite.
      fileParallelism: false,
      // Real daemons on a small shared machine: another try tells a slow moment from a fault, and is reported as such.
      retry: 2,
    },
  }),
);
