// A store is lost and made again, on any store and farm: the demo's chain, the loss, and the chain again.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Doc } from '../../src/lib/domain/doc.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import { begin, dflow } from './chainon.ts';
import { dflowBeside, lines } from './cli.ts';

const CHAIN = ['chain', '--until-idle'];

/** What ended with outputs, by pass: its version, and for each completed subjob where its outputs are. */
async function passes(folder: string): Promise<Record<string, readonly string[]>> {
  const docs = lines<Doc>(await dflow(folder, ['store', 'export'])).filter((doc): doc is JobDoc => doc.kind === 'job');
  const ended = docs.map(({ _id, version, state, subjobs }): [string, string[]] => {
    const outputs = subjobs.flatMap((one) => (one.state.name === 'completed' ? one.state.outputs : []));
    return [`${_id} ${version} ${state}`, outputs.map(({ storage, path, adler32 }) => `${storage}:${path} ${adler32}`)];
  });
  return Object.fromEntries(ended.filter(([, outputs]) => outputs.length > 0));
}

/** Ids of the stores whose jobs ran at the farm, oldest first. */
function storesOf(folder: string): string[] {
  const base = join(folder, '.dflow');
  const [farm = ''] = readdirSync(base).filter((name) => existsSync(join(base, name, 'stores')));
  return readFileSync(join(base, farm, 'stores'), 'utf8')
    .trimEnd()
    .split('\n');
}

async function uuidOf(folder: string): Promise<string | undefined> {
  return lines<{ uuid: string }>(await dflow(folder, ['store', 'info', '--json']))[0]?.uuid;
}

/** `lose` removes the store of the experiment in `folder`. */
export async function rebuildsAfterLoss(folder: string, lose: () => Promise<void> | void): Promise<void> {
  await begin(folder);
  await dflow(folder, CHAIN);
  const before = await passes(folder);
  expect(storesOf(folder)).toEqual([await uuidOf(folder)]);
  expect(Object.keys(before).length).toBeGreaterThan(5);

  await lose();
  await dflow(folder, ['store', 'setup']);
  expect(await dflow(folder, ['store', 'rebuild', '--dry-run'])).toContain('would be restored');
  expect(await dflow(folder, ['store', 'export'])).toBe('');

  expect(await dflow(folder, ['store', 'rebuild'])).toContain('dflow verify');
  expect(await passes(folder)).toEqual(before);
  expect(await dflowBeside(folder, ['store', 'check'])).toMatchObject({ code: 0 });
  await dflow(folder, ['verify']);

  const tables = readdirSync(join(folder, 'ratdb')).map((name) => join('ratdb', name));
  await dflow(folder, ['tables', 'load', ...tables]);
  await dflow(folder, ['resume', 'hold:rebuilt', '--why', 'looked at']);
  expect(await dflowBeside(folder, ['store', 'rebuild'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('dflow store rebuild --force snoplus-demo'),
  });
  await dflow(folder, CHAIN);
  expect(await passes(folder)).toEqual(before);
  // Jobs of the lost store are named by its id.
  expect(storesOf(folder)).toHaveLength(2);
  expect(storesOf(folder)[1]).toBe(await uuidOf(folder));
}
