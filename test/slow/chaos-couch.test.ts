// The chain over a CouchDB whose commands are killed, whose server goes away again and again, and that loses half of the
// replies to `_bulk_docs`: it ends as on SQLite, where nobody does anything, and no job was started twice.
//   DFLOW_CHAOS_SEED=7 DFLOW_CHAOS_BLOWS=70 npx vitest run --config test/vitest.config.ts test/slow/chaos-couch.test.ts
// DFLOW_TEST_COUCHDB names a real server; DFLOW_TEST_COUCHDB_RESTART is a command that kills it and starts it again.
// Slow: a process for each blow, and the chain twice.
import { exec } from 'node:child_process';
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

async function chaos(server: string, database: string, login: string): Promise<void> {
  const expected = calm();
  const proxy = await startProxy(server);
  try {
    const folder = experiment(`${proxy.url.replace('//', `//${login}`)}/${database}`, LIMITS);
    leaveMarks(folder);
    await begin(folder);
    const next = random(seed);
    let lost = 0;
    proxy.fault = (_method, path) => {
      if (!path.includes('/_bulk_docs') || next() < 0.5) return { kind: 'pass' };
      lost++;
      return { kind: 'drop' };
    };
    let [hits, outages] = [0, 0];
    for (let blow = 1; blow <= blows; blow++) {
      const striking = strike(folder, next);
      if (blow % Math.ceil(blows / OUTAGES) === 0) {
        await outage(proxy, next);
        outages++;
      }
      if ((await striking).hit) hits++;
    }
    await dflow(folder, ['chain', '--until-idle']);
    const starts = marks(folder);
    const struck = `${blows} blows, ${hits} while the command ran, ${outages} outages, ${lost} replies lost`;
    console.log(`chaos on CouchDB: seed ${seed}, ${struck}, ${starts.length} starts of jobs`);
    proxy.fault = () => ({ kind: 'pass' });
    expect(await pictureOn(folder)).toEqual(expected);
    expect(new Set(starts).size).toBe(starts.length);
    expect(starts.length).toBeGreaterThan(5);
    expect(lost).toBeGreaterThan(0);
    expect(hits).toBeGreaterThan(blows / 4);
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
