// `doctor --canary` on real systems: three farms (local, Slurm, HTCondor) with three storage elements (a folder, two XRootD
// servers). Each of nine jobs fetches a file from an element and writes one to it.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CanaryItem, CheckItem } from '../../src/lib/domain/results/items.ts';
import { dflow, lines, must } from '../support/cli.ts';
import { filesBelow } from '../support/picture.ts';
import { condor, use as useCondor } from './condor-world.ts';
import { filesAt } from './remote-worker.ts';
import { A, B, blackHole, freshFolder, removeFolders, rootUrl } from './servers.ts';
import { slurm, use as useSlurm } from './slurm-world.ts';

const FARMS = ['here', 'cedar', 'birch'];
const ELEMENTS = ['disk', 'sfu', 'fnal'];
let home: string;
let at: readonly [string, string];

beforeAll(() => {
  useSlurm('test');
  useCondor();
  home = mkdtempSync(join(tmpdir(), 'dflow-doctor-'));
  // Jobs of HTCondor are another user's.
  chmodSync(home, 0o777);
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(home, name));
  at = [freshFolder(A), freshFolder(B)];
  configure(rootUrl(B, at[1]));
  must(home, ['store', 'setup']);
});
afterAll(async () => {
  for (const server of [A, B]) await removeFolders(server);
  rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
});

function configure(fnal: string): void {
  const farm = (backend: string): string => `{backend: ${backend}, reads: [${ELEMENTS}], output: disk}`;
  writeFileSync(
    join(home, 'dflow.yaml'),
    `experiment: canaries
buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat'}
storage:
  disk: ./store
  sfu: {protocol: xrootd, url: '${rootUrl(A, at[0])}'}
  fnal: {protocol: xrootd, url: '${fnal}'}
farms: {here: ${farm('local')}, cedar: ${farm('slurm')}, birch: ${farm('htcondor')}}
`,
  );
}

/** What anybody could have left. */
function nothingIsLeft(): void {
  expect(filesAt(A, at[0])).toEqual([]);
  expect(filesAt(B, at[1])).toEqual([]);
  expect(filesBelow(join(home, 'store'))).toEqual([]);
  expect(slurm('squeue', '-h', '-r', '-O', 'STDOUT:300')).not.toContain(home);
  expect(condor('condor_q', '-allusers', '-constraint', 'true', '-af', 'Out')).not.toContain(home);
}

// Nine real jobs; a pool of HTCondor takes some seconds to begin with any.
test('three farms with three storage elements: a matrix, and nothing is left', { timeout: 300_000 }, () => {
  const began = Date.now();
  const { code, out, err } = dflow(home, ['doctor', '--canary', '--format', 'table']);
  console.log(`${Math.round((Date.now() - began) / 1000)} s\n${out}${err}`);
  const ok = ' +ok [\\d.]+ s';
  expect(out.split('\n').slice(0, 4)).toEqual([
    expect.stringMatching(/^CANARY +disk +sfu +fnal$/),
    ...FARMS.map((name) => expect.stringMatching(new RegExp(`^${name}${ok}${ok}${ok}$`))),
  ]);
  expect(code).toBe(0);
  nothingIsLeft();
});

test('a server that refuses: its column fails, each with its words; the others go on', {
  timeout: 300_000,
}, async () => {
  const hole = await blackHole();
  await hole.close();
  configure(`root://localhost:${hole.port}//gone`);
  const { code, out } = dflow(home, ['doctor', '--canary', '--json']);
  const found = new Map(lines<CanaryItem & object>(out).map((item) => [item.ref, item]));
  expect(code).toBe(1);
  for (const farm of FARMS) {
    for (const name of ['disk', 'sfu']) expect(found.get(`${farm}/${name}`)).toMatchObject({ did: 'ok' });
    expect(found.get(`${farm}/fnal`)).toMatchObject({
      did: 'failed',
      text: expect.stringContaining(`localhost:${hole.port}`),
      next: 'dflow doctor --only storage/fnal',
    });
  }
  nothingIsLeft();
});

test('the examination itself: every storage element with its space, every batch system with its version', () => {
  configure(rootUrl(B, at[1]));
  const { out } = dflow(home, ['doctor', '--only', 'storage,farm,tools', '--json']);
  const found = new Map(lines<CheckItem & object>(out).map((item) => [item.ref, item]));
  expect([...found.values()].filter(({ did }) => did !== 'ok')).toEqual([]);
  for (const name of ELEMENTS) expect(found.get(`storage/${name}`)?.text).toMatch(/removed in .* free of /);
  expect(found.get('farm/cedar')?.text).toMatch(/^slurm.* a held job was submitted and withdrawn$/);
  expect(found.get('farm/birch')?.text).toMatch(/condor.* a held job was submitted and withdrawn$/i);
  nothingIsLeft();
});
