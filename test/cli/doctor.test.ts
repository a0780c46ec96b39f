// The checks of doctor on the built program: each is made to fail once and passes once.
import { chmodSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CheckItem } from '../../src/lib/domain/results/items.ts';
import { startCouchServer } from '../fakes/couch-server.ts';
import { dflow, dflowBeside, lines, must, rawFolder, removeFolders } from '../support/cli.ts';

afterAll(removeFolders);

const MODULES = `modules:
  Count:
    run: ./count.sh
    outputs: {counts: counts.txt}
runTypes: {any: [Count]}
`;

const config = (more = ''): string => `experiment: wells
buffer: {path: raw, pattern: 'run{run}_{subrun}.dat', closed: settled}
storage: {sfu: se/sfu, fnal: se/fnal}
farms: {here: {backend: local}}
${more}`;

function experiment(text: string): string {
  const folder = rawFolder(2);
  for (const name of ['se/sfu', 'se/fnal', 'modules']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'modules/1.0.yaml'), MODULES);
  writeFileSync(join(folder, 'modules/count.sh'), '#!/bin/sh\n');
  chmodSync(join(folder, 'modules/count.sh'), 0o755);
  writeFileSync(join(folder, 'dflow.yaml'), text);
  if (!text.includes('store:')) must(folder, ['store', 'setup']);
  return folder;
}

/** Items by `check/subject`, and the exit code. */
function examine(folder: string, ...more: string[]): { code: number | null; items: Map<string, CheckItem> } {
  const { code, out } = dflow(folder, ['doctor', '--json', ...more]);
  return { code, items: new Map(lines<CheckItem & object>(out).map((item) => [item.ref, item])) };
}

describe('a healthy set-up', () => {
  let found: ReturnType<typeof examine>;
  beforeAll(() => {
    found = examine(experiment(config("credentials: {check: 'echo 90000'}\n")));
  });

  test('has nothing that failed', () => {
    expect([...found.items.values()].filter(({ failed }) => failed)).toEqual([]);
    expect(found.code).toBe(0);
  });

  test.each([
    ['copies', '1 of each raw file, 2 storage elements'],
    ['versions/automatic', '1.0, at here'],
    ['modules/1.0', '1 module, 1 script or file'],
    ['rules/outputs', 'none'],
    ['folders/buffer L1', '/raw'],
    ['store/answers', 'SQLite'],
    ['store/marked', 'the one writable store of wells'],
    ['store/rights', 'may write'],
    ['views', 'current'],
    ['conflicts', 'none'],
    ['clock', "the store's clock"],
    ['buffer/L1', '% full'],
    ['storage/sfu', 'written, compared, read and removed'],
    ['farm/here', 'a held job was submitted and withdrawn'],
    ['tools/node', 'Node '],
    ['drift', 'no other host'],
    ['credentials/command', 'valid for 25h'],
    ['integrity', 'nothing is damaged'],
    ['hosts', 'any host may run'],
  ])('%s', (ref, text) => {
    expect(found.items.get(ref)?.text).toContain(text);
  });
});

describe('many things broken at once', () => {
  let found: ReturnType<typeof examine>;
  beforeAll(() => {
    const folder = experiment(config());
    writeFileSync(join(folder, 'modules/2.0.yaml'), MODULES.replace('count.sh', 'gone.sh'));
    writeFileSync(join(folder, 'modules/3.0.yaml'), MODULES.replace('Count', 'Cuont').replace('run:', 'rum:'));
    chmodSync(join(folder, 'modules/count.sh'), 0o644);
    const wrong = config(`copies: {raw: 3}
credentials: {check: 'echo -5', token: gone.jwt, renew: make-new}
outputs: [{module: Count, type: conuts, to: fnal}]
routing: [{module: 'Cnt*', farm: here}]
`);
    writeFileSync(join(folder, 'dflow.yaml'), wrong.replace('wells', 'other').replace('path: raw', 'path: row'));
    rmSync(join(folder, 'se/fnal'), { recursive: true });
    found = examine(folder);
  });

  test.each([
    ['copies', 'there can only be 2', 'copies: {raw: 2}'],
    ['versions/automatic', 'no automatic.version', "automatic: {version: '3.0'}"],
    ['modules/1.0', 'nobody may run', 'chmod a+rx'],
    ['modules/2.0', './gone.sh, which does not exist', 'modules/gone.sh'],
    ['modules/3.0', 'has mistakes', 'dflow module check'],
    ['rules/outputs', "type of output 'conuts'", 'counts instead of conuts'],
    ['rules/routing', "module 'Cnt*'", 'routing'],
    ['credentials/command', 'expired', 'make-new'],
    ['credentials/token', 'cannot be read', 'make-new'],
    ['folders/buffer L1', 'does not exist', 'mkdir -p'],
    ['folders/storage fnal', 'does not exist', 'mkdir -p'],
    ['store/answers', "experiment 'wells'", 'experiment: wells'],
  ])('%s', (ref, text, fix) => {
    const item = found.items.get(ref);
    expect(item).toMatchObject({ did: 'failed', failed: true });
    expect(item?.text).toContain(text);
    expect(item?.next).toContain(fix);
  });

  test('exit code 1, and what cannot be looked at says so', () => {
    expect(found.code).toBe(1);
    expect(found.items.get('storage/fnal')).toMatchObject({ did: 'not-checked' });
    expect(found.items.get('storage/sfu')).toMatchObject({ did: 'ok' });
    for (const ref of ['store/rights', 'views', 'clock', 'drift'])
      expect(found.items.get(ref)).toMatchObject({ did: 'not-checked' });
  });
});

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('without a store everything else is examined', async () => {
  const folder = experiment(config(`store: http://127.0.0.1:${await closedPort()}/gone\n`));
  const { code, items } = examine(folder);
  expect(code).toBe(1);
  expect(items.get('store/answers')).toMatchObject({ did: 'failed' });
  expect(items.get('store/rights')).toMatchObject({ did: 'not-checked' });
  expect(items.get('storage/sfu')).toMatchObject({ did: 'ok' });
  expect(items.get('farm/here')).toMatchObject({ did: 'ok' });
});

test('--canary runs a job for each farm and element, names what failed, and leaves nothing', () => {
  const folder = experiment(config());
  const first = dflow(folder, ['doctor', '--canary', '--json']);
  expect(lines(first.out)).toEqual([
    expect.objectContaining({ ref: 'here/sfu', did: 'ok' }),
    expect.objectContaining({ ref: 'here/fnal', did: 'ok' }),
  ]);
  expect(first.code).toBe(0);
  expect(readdirSync(join(folder, 'se/sfu'))).toEqual([]);
  expect(lines(dflow(folder, ['list', 'jobs', '--state', 'all', '--json']).out)).toEqual([]);
  rmSync(join(folder, 'se/fnal'), { recursive: true });
  const second = dflow(folder, ['doctor', '--canary', '--format', 'table']);
  expect(second.code).toBe(1);
  expect(second.out).toMatch(/^here +ok [\d.]+ s +FAILED$/m);
  expect(second.out).toContain('Next: dflow doctor --only storage/fnal');
});

test('a database of which the cluster keeps n=2: exit 2, said once; what dflow makes there itself has n=1', async () => {
  const server = await startCouchServer({ n: 2 });
  try {
    const folder = experiment(config(`store: ${server.url}/wells\n`));
    expect((await fetch(`${server.url}/wells`, { method: 'PUT' })).status).toBe(201);
    const { code, out } = await dflowBeside(folder, ['doctor', '--only', 'store', '--format', 'table']);
    expect(code).toBe(2);
    expect(out).toContain('the cluster keeps n=2 copies of the database, so two writers can both win');
    expect(out.match(/FAILED/g)).toHaveLength(1);
    const again = await dflowBeside(folder, ['doctor', '--json']);
    expect(again.code).toBe(2);
    const refused = lines<CheckItem & object>(again.out).filter((item) => item.refused);
    expect(refused.map(({ ref }) => ref)).toEqual(['store/marked']);
    expect((await dflowBeside(folder, ['store', 'setup'])).code).toBe(2);
    writeFileSync(join(folder, 'dflow.yaml'), config(`store: ${server.url}/other\n`));
    expect((await dflowBeside(folder, ['store', 'setup'])).code).toBe(0);
    expect(await dflowBeside(folder, ['doctor', '--only', 'store'])).toMatchObject({ code: 0 });
  } finally {
    await server.stop();
  }
});

test.each([
  ['an hour behind', 3_600_000, 1, /^FAILED +host clock\n +\d+m behind the store's clock/m],
  ['a day ahead', -86_400_000, 1, /^FAILED +host clock\n +2[34]h ahead of the store's clock/m],
  ['most of a minute behind', 45_000, 0, /^warning +host clock\n +\d+s behind the store's clock/m],
])('the clock of this host is %s', async (_, ahead, exit, line) => {
  const server = await startCouchServer({ ahead });
  try {
    const folder = experiment(config(`store: ${server.url}/wells\n`));
    expect((await dflowBeside(folder, ['store', 'setup'])).code).toBe(0);
    const { code, out, err } = await dflowBeside(folder, ['doctor', '--only', 'clock', '--format', 'table']);
    expect(out + err).toMatch(line);
    expect(out).toContain('Next: set the clock of');
    expect(code).toBe(exit);
  } finally {
    await server.stop();
  }
});
