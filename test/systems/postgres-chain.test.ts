// The chain over PostgreSQL ends as over SQLite: undisturbed, and with a standby that takes over in the middle.
import { type ChildProcess, spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { begin, chainOn, experiment, LIMITS, pictureOn } from '../support/chainon.ts';
import { killSupervisor } from '../support/chaos.ts';
import { BIN, environment } from '../support/cli.ts';
import { chainsOnPostgres, LONG } from './postgres-chains.ts';
import { Postgres, schemaName } from './postgres-world.ts';

const chains = chainsOnPostgres();

test('undisturbed', LONG, async () => {
  await chainOn(`${chains.server.url()}/${schemaName()}`, chains.expected);
});

/** Ended: its exit code. */
function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve) => child.once('exit', resolve));
}

test('a standby takes over in the middle: synchronous commit, nothing is lost or doubled', LONG, async () => {
  const primary = await Postgres.start();
  const standby = await primary.standby();
  try {
    // Not on the command line: the standby, which has a copy of the settings of before, shall not wait for another one.
    for (const setting of ["synchronous_standby_names = '*'", 'synchronous_commit = remote_apply'])
      await primary.sql(`ALTER SYSTEM SET ${setting}`);
    await primary.sql('SELECT pg_reload_conf()');
    const follows = "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'";
    await expect.poll(async () => (await primary.sql(follows)).length, { timeout: 60_000 }).toBe(1);
    const login = primary.url().replace(/127.*/, '');
    const store = `${login}127.0.0.1:${primary.port},127.0.0.1:${standby.port}/postgres/fail`;
    const folder = experiment(store, LIMITS);
    await begin(folder);
    const child = spawn(process.execPath, [BIN, 'chain', '--until-idle'], {
      cwd: folder,
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => said.push(String(text)));
    const over = ended(child);
    const counted =
      "SELECT count(*)::int AS n FROM fail.docs WHERE id LIKE 'job:%' AND body::text LIKE '%\"completed\"%'";
    let completed = 0;
    await expect
      .poll(
        async () => {
          completed = Number((await primary.sql(counted))[0]?.n);
          return completed > 2 || child.exitCode !== null;
        },
        { timeout: LONG.timeout, interval: 50 },
      )
      .toBe(true);
    expect(child.exitCode).toBeNull();
    const [{ seq }] = (await primary.sql('SELECT seq::int FROM fail.head')) as [{ seq: number }];
    primary.kill();
    await standby.sql('SELECT pg_promote()');
    const code = await over;
    const [after] = (await standby.sql('SELECT seq::int FROM fail.head')) as [{ seq: number }];
    console.log(
      `promotion: ${completed} jobs completed and change ${seq} when the primary was killed; the chain ended with ${code} at change ${after.seq}`,
    );
    console.log(
      said
        .join('')
        .split('\n')
        .filter((line) => /store/.test(line))
        .join('\n'),
    );
    expect([0, 1]).toContain(code);
    expect(after.seq).toBeGreaterThan(seq);
    expect(await pictureOn(folder)).toEqual(chains.expected);
    killSupervisor(folder);
  } finally {
    standby.remove();
    primary.remove();
  }
});
