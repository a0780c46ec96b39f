// Two versions of dflow with different views on one store, for the length of a chain: the built product, and a copy of it
// with one more view. As docs/store.md says it ("Upgrade dflow, host by host"), in its order. On SQLite, on the in-memory
// CouchDB, and on a real one where DFLOW_TEST_COUCHDB names it. Slow: a chain for each store.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startCouchServer } from '../fakes/couch-server.ts';
import { begin, calm, experiment, pictureOn, removeExperiments } from '../support/chainon.ts';
import { BIN, dflowBeside, lines, type Ran } from '../support/cli.ts';
import { realCouch } from '../support/couch-real.ts';

const root = resolve(import.meta.dirname, '../..');
const copy = mkdtempSync(join(tmpdir(), 'dflow-version-'));
const OTHER = join(copy, 'bin/run.js');
let expected: ReturnType<typeof calm>;

beforeAll(() => {
  for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json'])
    cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  addView();
  expected = calm();
});
afterAll(() => {
  removeExperiments();
  rmSync(copy, { recursive: true, force: true });
});

/** The copy gets a view that the product does not have. */
function addView(): void {
  const [all, more] = [
    'VIEWS = Object.values(views)',
    "VIEWS = [...Object.values(views), { ...views.kinds, name: 'more' }]",
  ];
  const paths = readdirSync(join(copy, 'dist')).filter((name) => name.endsWith('.js'));
  const changed = paths.filter((name) => {
    const path = join(copy, 'dist', name);
    const text = readFileSync(path, 'utf8');
    if (text.includes(all)) writeFileSync(path, text.replace(all, more));
    return text.includes(all);
  });
  expect(changed).toHaveLength(1);
}

/** By the program of a version. */
function by(bin: string, folder: string): (...args: string[]) => Promise<Ran> {
  return (...args) => dflowBeside(folder, args, { bin });
}

/** One round of the chain by each in turn, then to its end by both. */
async function inTurns(folder: string): Promise<void> {
  const [old, fresh] = [by(BIN, folder), by(OTHER, folder)];
  const did = { code: expect.toBeOneOf([0, 1]) };
  for (let round = 0; round < 3; round++) {
    expect(await old('chain')).toMatchObject(did);
    expect(await fresh('chain')).toMatchObject(did);
  }
  expect(await old('chain', '--until-idle')).toMatchObject(did);
  expect(await fresh('chain', '--until-idle')).toMatchObject(did);
  expect(await pictureOn(folder)).toEqual(expected);
}

test('SQLite: whoever writes has the views of its version', async () => {
  const folder = experiment();
  await begin(folder);
  await inTurns(folder);
});

async function onCouch(store: string): Promise<void> {
  const folder = experiment(store);
  await begin(folder);
  const [old, fresh] = [by(BIN, folder), by(OTHER, folder)];
  const missing = { code: 2, err: expect.stringMatching(/views of this version.*\n.*\nNext: .*dflow store deploy/) };
  expect(await fresh('status')).toMatchObject(missing);

  // 1. The new views are built beside the old ones.
  const deployed = lines<{ did: string }>((await fresh('store', 'deploy', '--json')).out);
  expect(deployed.map(({ did }) => did).sort()).toEqual(['deployed', 'unchanged']);
  // 2. Both work for the length of a chain.
  await inTurns(folder);
  expect(lines((await old('store', 'deploy', '--json')).out)).toHaveLength(2);
  // 3. The old views go, and 4. documents are written in the new form.
  expect(await fresh('store', 'deploy', '--prune', '--json')).toMatchObject({
    code: 0,
    out: expect.stringContaining('"pruned"'),
  });
  expect(await fresh('store', 'migrate', '--dry-run')).toMatchObject({ code: 0 });
  expect(await fresh('store', 'migrate')).toMatchObject({ code: 0 });
  expect(await old('status')).toMatchObject(missing);
  expect(await old('enqueue')).toMatchObject(missing);
  expect(await fresh('status')).toMatchObject({ code: 0 });
  // Back again, also after the pruning: what the message says is enough.
  expect(await old('store', 'deploy')).toMatchObject({ code: 0 });
  expect(await old('chain')).toMatchObject({ code: expect.toBeOneOf([0, 1]) });
  expect(await fresh('status')).toMatchObject({ code: 0 });
  expect(await pictureOn(folder)).toEqual(expected);
}

test('CouchDB in memory: upgrade and downgrade, host by host', async () => {
  const server = await startCouchServer();
  try {
    await onCouch(`${server.url}/versions`);
  } finally {
    await server.stop();
  }
});

const real = process.env.DFLOW_TEST_COUCHDB;

test.skipIf(!real)('the same on the real CouchDB of DFLOW_TEST_COUCHDB', async () => {
  const server = realCouch(real ?? '');
  try {
    await onCouch(server.url(server.newName()));
  } finally {
    await server.clean();
  }
});
