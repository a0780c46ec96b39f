// The chain over CouchDB ends as over SQLite: the same small experiment on both, compared document by document. Against
// an in-memory server in every run, and against a real one where DFLOW_TEST_COUCHDB names it.
import { afterAll, test } from 'vitest';
import { startCouchServer } from '../fakes/couch-server.ts';
import { chainOn, removeExperiments } from '../support/chainon.ts';

afterAll(removeExperiments);

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
