// The chain over CouchDB ends as over SQLite: the same small experiment on both, compared document by document. Against
// an in-memory server in every run, and against a real one where DFLOW_TEST_COUCHDB names it.
import { execFile } from 'node:child_process';
import { appendFileSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { makeExperiment } from '../../src/lib/cli/demo/experiment.ts';
import { RUNS } from '../../src/lib/cli/demo/runs.ts';
import { startCouchServer } from '../fakes/couch-server.ts';
import { killSupervisor } from '../support/chaos.ts';
import { BIN, environment, lines, must } from '../support/cli.ts';
import { type Doc, picture, pictureOf } from '../support/picture.ts';

const run = promisify(execFile);
const folders: string[] = [];
const small = RUNS.filter(({ run: number }) => number >= 109133 && number <= 109140);

function experiment(store?: string): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-couch-chain-')));
  folders.push(folder);
  makeExperiment(folder, { seed: 5, runs: small });
  if (store) appendFileSync(join(folder, 'dflow.yaml'), `store: ${store}\n`);
  return folder;
}

/** Like `must`, but this process, in which the server lives, goes on meanwhile. */
async function dflow(folder: string, args: readonly string[]): Promise<string> {
  const done = await run(process.execPath, [BIN, ...args], { cwd: folder, env: environment(), maxBuffer: 1e8 }).catch(
    (error) => {
      if (error.code === 1) return { stdout: String(error.stdout) };
      throw error;
    },
  );
  return done.stdout;
}

const tables = (folder: string): string[] => readdirSync(join(folder, 'ratdb')).map((name) => join('ratdb', name));

async function chainOn(url: string): Promise<void> {
  const plain = experiment();
  for (const args of [
    ['store', 'setup'],
    ['tables', 'load', ...tables(plain)],
    ['chain', '--until-idle'],
  ])
    must(plain, args, [0, 1]);
  const folder = experiment(url);
  for (const args of [
    ['store', 'setup'],
    ['tables', 'load', ...tables(folder)],
    ['chain', '--until-idle'],
  ])
    await dflow(folder, args);
  const expected = picture(plain);
  expect(Object.keys(expected).length).toBeGreaterThan(15);
  expect(pictureOf(folder, lines<Doc>(await dflow(folder, ['store', 'export'])))).toEqual(expected);
}

afterAll(() => {
  for (const folder of folders) {
    killSupervisor(folder);
    rmSync(folder, { recursive: true, force: true });
  }
});

test('in memory', async () => {
  const server = await startCouchServer();
  try {
    await chainOn(`${server.url}/chain`);
  } finally {
    await server.stop();
  }
});

const real = process.env.DFLOW_TEST_COUCHDB;

test.skipIf(!real)('on the real CouchDB of DFLOW_TEST_COUCHDB', async () => {
  const url = new URL(`${real}/dflow-test-chain-${process.pid}`);
  try {
    await chainOn(url.href);
  } finally {
    const login = Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString(
      'base64',
    );
    await fetch(`${url.origin}${url.pathname}`, { method: 'DELETE', headers: { authorization: `Basic ${login}` } });
  }
});
