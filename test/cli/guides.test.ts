// The guides: the configuration of the production page is one that dflow takes, and each incident has commands. That the
// commands can be typed is checked for all documents in english.test.ts.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { load } from '../../src/lib/cli/config/load.ts';
import { folder, removeFolders } from '../support/cli.ts';
import { textOf } from '../support/markdown.ts';

afterAll(removeFolders);

test('the configuration of docs/production.md is taken, on both of its hosts', async () => {
  const [, yaml = ''] = /^```yaml\n([\s\S]*?)^```$/m.exec(textOf('docs/production.md')) ?? [];
  const made = folder();
  mkdirSync(join(made, 'modules'));
  writeFileSync(join(made, 'dflow.yaml'), yaml);
  writeFileSync(join(made, 'modules/7.0.8.yaml'), 'modules: {DQ: {run: "true", outputs: {dq: dq.txt}}}\n');
  for (const [host, loops] of [
    ['buffer1', ['register', 'transfer', 'purge']],
    ['login1', ['enqueue', 'submit', 'monitor', 'reset', 'notify']],
  ] as const) {
    const { settings } = await load({ cwd: made, flag: join(made, 'dflow.yaml'), env: {}, host });
    expect(settings.plan?.map(({ name }) => name)).toEqual(loops);
    expect([settings.farm, settings.copies]).toEqual(['cedar', { raw: 2, purgeAfter: 2 }]);
  }
});

test('every incident of docs/howto.md has commands', () => {
  const [, ...incidents] = textOf('docs/howto.md').split(/^## /m);
  expect(incidents.length).toBeGreaterThanOrEqual(20);
  for (const incident of incidents) expect(incident).toMatch(/```sh\n(dflow .*\n)+```/);
});
