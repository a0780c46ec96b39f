// docs/tutorial.md as a new user follows it: every block of it is run by a shell, in one empty folder. It takes a while,
// since real jobs run.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { killSupervisor } from '../support/chaos.ts';
import { BIN, environment, folder, removeFolders } from '../support/cli.ts';
import { textOf } from '../support/markdown.ts';

const blocks = [...textOf('docs/tutorial.md').matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text]) => text!);
const made = folder();
afterAll(() => {
  killSupervisor(join(made, 'work'));
  removeFolders();
});

test('every block ends well, and the last outputs are what the page promises', () => {
  const [work, bin] = [join(made, 'work'), join(made, 'bin')];
  for (const path of [work, bin]) mkdirSync(path);
  writeFileSync(join(bin, 'dflow'), `#!/bin/sh\nexec '${process.execPath}' '${BIN}' "$@"\n`);
  chmodSync(join(bin, 'dflow'), 0o755);
  const env = environment({ PATH: `${bin}:${process.env.PATH}`, DFLOW_HOST: 'laptop' });
  expect(blocks.length).toBeGreaterThan(8);
  let out = '';
  for (const block of blocks) {
    const ran = spawnSync('bash', ['-euo', 'pipefail', '-c', block], { cwd: work, encoding: 'utf8', env });
    out = ran.stdout;
    expect([block, ran.status, ran.stderr.slice(-1500)]).toEqual([block, 0, expect.anything()]);
  }
  expect(out).toMatch(/^ *1 +4 +18 .*run002\.txt$/m);
  const counts = readFileSync(join(work, 'mine/Count_r0000000002_s000_p001.counts.txt'), 'utf8');
  expect(counts).toMatch(/^18 /);
}, 300_000);
