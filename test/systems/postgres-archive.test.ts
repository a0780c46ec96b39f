// store archive and unarchive over a real PostgreSQL: killed in the middle, and the server crashes as well; then
// list archived, which reads the store alone.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { archiveKilled, BEFORE, endedExperiment } from '../support/archiving.ts';
import { lines, must, removeFolders } from '../support/cli.ts';
import { LONG } from './postgres-chains.ts';
import { Postgres, schemaName } from './postgres-world.ts';

const RUNS = 100;
const KILLS = 2;

let server: Postgres;
beforeAll(async () => {
  server = await Postgres.start();
});
afterAll(() => {
  server.remove();
  removeFolders();
});

const ended = () => endedExperiment(`${server.url()}/${schemaName()}`, RUNS);

test('killed again and again, with crashes of the server, both ways: nothing is lost or doubled', LONG, () =>
  archiveKilled(ended(), RUNS, KILLS, async () => {
    server.kill();
    await server.up();
  }),
);

test('list archived names each run, its file and who moved it', LONG, () => {
  const at = ended();
  must(at, ['store', 'archive', '--before', BEFORE, 'archive/', '--yes', '--quiet']);
  const rows = lines(must(at, ['list', 'archived', '--json']));
  expect(rows).toHaveLength(RUNS);
  expect(rows[0]).toMatchObject({
    ref: '1000',
    state: 'archived',
    passes: 2,
    documents: 4,
    by: expect.stringContaining('(store archive)'),
    file: expect.stringContaining('.archive.jsonl'),
    next: 'dflow store unarchive 1000',
  });
  must(at, ['store', 'unarchive', '0-']);
  expect(must(at, ['list', 'archived'])).toBe('');
});
