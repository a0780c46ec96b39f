// The chain over a CouchDB whose commands are killed, whose server goes away again and again, and that loses half of the
// replies to `_bulk_docs`: it ends as on SQLite, where nobody does anything, and no job was started twice.
//   DFLOW_CHAOS_SEED=7 DFLOW_CHAOS_BLOWS=70 npx vitest run --config test/vitest.config.ts test/slow/chaos-couch.test.ts
// DFLOW_TEST_COUCHDB names a real server; DFLOW_TEST_COUCHDB_RESTART is a command that kills it and starts it again.
// Slow: a process for each blow, and the chain twice.
import { exec } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { type FaultProxy, startCouchServer, startProxy } from '../fakes/couch-server.ts';
import { begin, calm, dflow, experiment, LIMITS, pictureOn, removeExperiments } from '../support/chainon.ts';
import { leaveMarks, marks, random, strike } from '../support/chaos.ts';
import { realCouch } from '../support/couch-real.ts';

const real = process.env.DFLOW_TEST_COUCHDB;
const restart = process.env.DFLOW_TEST_COUCHDB_RESTART;
const seed = Number(process.env.DFLOW_CHAOS_SEED ?? Math.floor(Date.now() / 1000));
const blows = Number(process.env.DFLOW_CHAOS_BLOWS ?? 10);
/** Times that the server goes away. */
const OUTAGES = 5;

afterAll(removeExperiments);

/** The server is not there for a moment; the real one is killed. */
async function outage(proxy: FaultProxy, next: () => number): Promise<void> {
  const { fault } = proxy;
  await sleep(next() * 400);
  proxy.fault = () => ({ kind: 'refuse' });
  if (restart) await promisify(exec)(restart);
  else await sleep(500);
  proxy.fault = fault;
}

/** Takes the raw files of all runs away; each call of the answer brings those of one run back, as a detector does. */
function detector(folder: string): { readonly runs: number; takeRun(): void } {
  const [raw, later] = [join(folder, 'raw/l1'), join(folder, 'not-yet')];
  mkdirSync(later);
  const runOf = (name: string): string => name.split('_')[1] ?? '';
  const names = readdirSync(raw);
  for (const name of names) renameSync(join(raw, name), join(later, name));
  const runs = [...new Set(names.map(runOf))].sort();
  const takeRun = (): void => {
    const run = runs.shift();
    for (const name of names) if (runOf(name) === run) renameSync(join(later, name), join(raw, name));
  };
  return { runs: runs.length, takeRun };
}

/** How far the database has come. */
async function progress(server: string, database: string, login: string): Promise<string> {
  const headers = login === '' ? {} : { authorization: `Basic ${Buffer.from(login.slice(0, -1)).toString('base64')}` };
  const reply = await fetch(`${server}/${database}`, { headers });
  return String(((await reply.json()) as { readonly update_seq: unknown }).update_seq);
}

async function chaos(server: string, database: string, login: string): Promise<void> {
  const expected = calm();
  const proxy = await startProxy(server);
  try {
    const folder = experiment(`${proxy.url.replace('//', `//${login}`)}/${database}`, LIMITS);
    leaveMarks(folder);
    const { runs, takeRun } = detector(folder);
    await begin(folder);
    // A command that is struck earlier has not yet talked to the server.
    const began = performance.now();
    await dflow(folder, ['list', 'runs']);
    const startUp = 0.5 * (performance.now() - began);
    const next = random(seed);
    let lost = 0;
    proxy.fault = (_method, path) => {
      if (!path.includes('/_bulk_docs') || next() < 0.5) return { kind: 'pass' };
      lost++;
      return { kind: 'drop' };
    };
    let [hits, outages, busy, taken] = [0, 0, 0, 0];
    for (let blow = 1; blow <= blows; blow++) {
      // The last run arrives before the last blows.
      for (; taken < runs && taken <= ((blow - 1) * (runs + 1)) / blows; taken++) takeRun();
      const before = await progress(server, database, login);
      const striking = strike(folder, next, startUp);
      if (blow % Math.ceil(blows / OUTAGES) === 0) {
        await outage(proxy, next);
        outages++;
      }
      if ((await striking).hit) hits++;
      if ((await progress(server, database, login)) !== before) busy++;
    }
    expect(taken).toBe(runs);
    await dflow(folder, ['chain', '--until-idle']);
    const starts = marks(folder);
    const struck = `${blows} blows, ${hits} while the command ran, ${busy} changed the store, ${outages} outages, ${lost} replies lost`;
    console.log(`chaos on CouchDB: seed ${seed}, ${struck}, ${starts.length} starts of jobs`);
    proxy.fault = () => ({ kind: 'pass' });
    expect(await pictureOn(folder)).toEqual(expected);
    expect(new Set(starts).size).toBe(starts.length);
    expect(starts.length).toBeGreaterThan(5);
    expect(lost).toBeGreaterThan(0);
    expect(hits).toBeGreaterThan(0);
    expect(busy).toBeGreaterThan(0);
  } finally {
    await proxy.stop();
  }
}

test.skipIf(real)(`in memory: ${blows} blows, seed ${seed}`, async () => {
  const server = await startCouchServer();
  try {
    await chaos(server.url, 'chaos', '');
  } finally {
    await server.stop();
  }
});

test.skipIf(!real)(`on the real CouchDB of DFLOW_TEST_COUCHDB: ${blows} blows, seed ${seed}`, async () => {
  const { origin, username, password } = new URL(real ?? '');
  const server = realCouch(real ?? '');
  try {
    await chaos(origin, server.newName(), `${username}:${password}@`);
  } finally {
    await server.clean();
  }
});
