// store rebuild where SQLite and the local farm say too little: a store on PostgreSQL, and jobs of the lost store that are
// still at Slurm, running and held.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { experiment as demo, removeExperiments } from '../support/chainon.ts';
import { must } from '../support/cli.ts';
import { rebuildsAfterLoss } from '../support/rebuilding.ts';
import { Experiment } from './experiment.ts';
import { LONG } from './postgres-chains.ts';
import { Postgres, schemaName } from './postgres-world.ts';
import { SYSTEM, slurm, use } from './slurm-world.ts';

let server: Postgres | undefined;
let experiment: Experiment | undefined;
afterEach(() => {
  experiment?.remove();
  server?.remove();
  experiment = undefined;
  server = undefined;
});
afterAll(removeExperiments);

test('PostgreSQL: after a loss the chain at Slurm makes and runs no pass again', LONG, async () => {
  use('test');
  server = await Postgres.start();
  const schema = schemaName();
  const folder = demo(`${server.url()}/${schema}`);
  const config = join(folder, 'dflow.yaml');
  const text = readFileSync(config, 'utf8').replace('laptop: {backend: local}', 'laptop: {backend: slurm, slots: 100}');
  expect(text).toContain('backend: slurm');
  writeFileSync(config, `${text}limits: {grace: 1s}\n`);
  await rebuildsAfterLoss(folder, async () => void (await server?.sql(`DROP SCHEMA ${schema} CASCADE`)));
});

/** What rebuild says of the farm's jobs. */
const occupied = (one: Experiment) => one.items(['store', 'rebuild']).filter(({ did }) => did === 'occupied');

test('jobs of the lost store are at Slurm: named, not run twice, and taken in when they have ended', LONG, async () => {
  use('test');
  const slow = `echo "$DFLOW_RUN" >> $MARKS; until test -e $MARKS.go; do sleep 0.2; done; echo done > "$OUT_out"`;
  experiment = new Experiment(SYSTEM, 3, {
    Quick: { run: 'echo "$DFLOW_RUN" > "$OUT_out"' },
    Slow: { run: slow },
  });
  const one = experiment;
  one.prepare();
  one.rounds(() => one.count('completed') === 3 && one.marks().length === 3);
  // A fourth run: submit is killed when Slurm has its jobs, held.
  writeFileSync(join(one.folder, 'raw', 'run4_0.dat'), 'run 4\n');
  await expect
    .poll(
      () => {
        for (const step of ['register', 'transfer', 'enqueue']) must(one.folder, [step], [0, 1, 75]);
        return one.states().size;
      },
      { timeout: 60_000 },
    )
    .toBe(8);
  one.dflow(['submit'], 'sbatch:kill-after');

  for (const name of readdirSync(one.folder))
    if (name.startsWith('dflow.db')) rmSync(join(one.folder, name), { recursive: true });
  must(one.folder, ['store', 'setup']);
  const [item] = occupied(one);
  expect(item).toMatchObject({ kind: 'farm', ref: 'cedar', failed: true, subjobs: 5 });
  expect(item?.text).toContain('2 of them are held and never start');
  expect(item?.next).toContain('scancel');
  // The hold keeps submit from running what may run already.
  must(one.folder, ['enqueue'], [0, 1]);
  must(one.folder, ['submit'], [0, 1]);
  expect(one.count('submitted')).toBe(0);

  const [held = ''] = slurm('squeue', '-h', '-t', 'PENDING', '-o', '%A %Z')
    .split('\n')
    .filter((line) => line.includes(one.folder));
  slurm('scancel', held.split(' ')[0]!);
  writeFileSync(join(one.folder, 'marks.go'), '');
  await expect.poll(() => occupied(one), { timeout: 120_000, interval: 500 }).toEqual([]);
  expect(one.marks()).toEqual(['1', '2', '3']);
  const ended = [...one.states()].filter(([, { name }]) => name === 'completed').map(([ref]) => ref);
  expect(ended.sort()).toEqual(['1/Quick', '1/Slow', '2/Quick', '2/Slow', '3/Quick', '3/Slow']);

  must(one.folder, ['resume', 'hold:rebuilt', '--why', 'looked at']);
  one.rounds(() => one.count('completed') === 8);
  expect(one.marks()).toEqual(['1', '2', '3', '4']);
});
