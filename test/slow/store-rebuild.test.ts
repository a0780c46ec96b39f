// store rebuild of the built program on SQLite and CouchDB (the real one where DFLOW_TEST_COUCHDB names it): the demo's
// chain, its store lost, and the chain again. Slow since jobs run. PostgreSQL and Slurm: test/systems/store-rebuild.test.ts.
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, test } from 'vitest';
import { startCouchServer } from '../fakes/couch-server.ts';
import { experiment, removeExperiments } from '../support/chainon.ts';
import { realCouch } from '../support/couch-real.ts';
import { rebuildsAfterLoss } from '../support/rebuilding.ts';

afterAll(removeExperiments);

test('SQLite: after a loss the chain makes and runs no pass again', async () => {
  const folder = experiment();
  await rebuildsAfterLoss(folder, () => {
    for (const name of readdirSync(folder)) if (name.startsWith('dflow.db')) rmSync(join(folder, name));
  });
});

test('CouchDB in memory: the same', async () => {
  const server = await startCouchServer();
  try {
    await onCouch(server.url);
  } finally {
    await server.stop();
  }
});

const real = process.env.DFLOW_TEST_COUCHDB;

test.skipIf(!real)('the real CouchDB of DFLOW_TEST_COUCHDB: the same', () => onCouch(real ?? ''));

async function onCouch(admin: string): Promise<void> {
  const server = realCouch(admin);
  const name = server.newName();
  try {
    await rebuildsAfterLoss(experiment(server.url(name)), async () => void (await server.call('DELETE', name)));
  } finally {
    await server.clean();
  }
}
