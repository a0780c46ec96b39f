// store rebuild of the built program: the demo's chain, its store lost, and the chain again. Here since jobs run twice.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { Doc } from '../../src/lib/domain/doc.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import { experiment, removeExperiments } from '../support/chainon.ts';
import { dflow, lines, must } from '../support/cli.ts';

afterAll(removeExperiments);

const uuidOf = (folder: string) => lines<{ uuid: string }>(must(folder, ['store', 'info', '--json']))[0]?.uuid;

/** What ended with outputs, by pass: its version, and for each completed subjob where its outputs are. */
function passes(folder: string): Record<string, readonly string[]> {
  const docs = lines<Doc>(must(folder, ['store', 'export'])).filter((doc): doc is JobDoc => doc.kind === 'job');
  const ended = docs.map(({ _id, version, state, subjobs }): [string, string[]] => {
    const outputs = subjobs.flatMap((one) => (one.state.name === 'completed' ? one.state.outputs : []));
    return [`${_id} ${version} ${state}`, outputs.map(({ storage, path, adler32 }) => `${storage}:${path} ${adler32}`)];
  });
  return Object.fromEntries(ended.filter(([, outputs]) => outputs.length > 0));
}

test('after a loss: dry run, rebuild, and the chain makes and runs no pass again', () => {
  const folder = experiment();
  const tables = readdirSync(join(folder, 'ratdb')).map((name) => join('ratdb', name));
  const chain = ['chain', '--until-idle'];
  must(folder, ['store', 'setup']);
  must(folder, ['tables', 'load', ...tables]);
  must(folder, chain, [0, 1]);
  const before = passes(folder);
  const [farm = ''] = readdirSync(join(folder, '.dflow')).filter((name) =>
    existsSync(join(folder, '.dflow', name, 'stores')),
  );
  const stores = () =>
    readFileSync(join(folder, '.dflow', farm, 'stores'), 'utf8')
      .trimEnd()
      .split('\n');
  expect(stores()).toEqual([uuidOf(folder)]);
  expect(Object.keys(before).length).toBeGreaterThan(5);

  for (const name of readdirSync(folder)) if (name.startsWith('dflow.db')) rmSync(join(folder, name));
  must(folder, ['store', 'setup']);
  const said = must(folder, ['store', 'rebuild', '--dry-run'], [0, 1]);
  expect(said).toContain('would be restored');
  expect(must(folder, ['store', 'export'])).toBe('');

  const out = must(folder, ['store', 'rebuild'], [0, 1]);
  expect(out).toContain('dflow verify');
  expect(passes(folder)).toEqual(before);
  must(folder, ['store', 'check']);
  must(folder, ['verify'], [0, 1]);

  must(folder, ['tables', 'load', ...tables]);
  must(folder, ['resume', 'hold:rebuilt', '--why', 'looked at']);
  expect(dflow(folder, ['store', 'rebuild'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('dflow store rebuild --force snoplus-demo'),
  });
  must(folder, chain, [0, 1]);
  expect(passes(folder)).toEqual(before);
  // Jobs of the lost store are named by its id.
  expect(stores()).toHaveLength(2);
  expect(stores()[1]).toBe(uuidOf(folder));
});
