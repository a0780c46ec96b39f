// A queue that becomes full in the middle of a batch, on real systems with a limit made for it: what has room goes, what
// has none waits and comes later, and each job starts once.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { lockPath } from '../../src/lib/backends/ganga/client.ts';
import { until } from '../contracts/backend.ts';
import { untilUp, use as useCondor } from './condor-world.ts';
import type { Experiment } from './experiment.ts';
import { stopDaemon, useFull } from './slurm-world.ts';
import { CONDOR, discard, GANGA_LOCAL, type Kind, prepared, SLURM } from './systems.ts';

const BASE = join(process.env.DFLOW_SYSTEMS ?? '/opt/dflow-systems', 'condor');
const ROOM = 3;
const RUNS = 8;

let experiment: Experiment | undefined;
let atEnd: (() => void)[] = [];
afterEach(() => {
  discard(experiment);
  experiment = undefined;
  for (const work of atEnd.reverse()) work();
  atEnd = [];
});

/** Submits eight where three have room, and goes on until all are done. */
function fillAndFinish(kind: Kind): void {
  const one = prepared(kind, RUNS, { Count: { run: 'echo $DFLOW_RUN >> $MARKS; sleep 2; echo ok > "$OUT_out"' } });
  experiment = one;
  // As by default, with a shorter wait.
  const path = join(one.folder, 'dflow.yaml');
  const rule =
    "{cause: queue-full, phase: submit, text: 'accounting/QOS policy|would exceed MAX_JOBS', action: later, wait: 1s}";
  writeFileSync(path, `${readFileSync(path, 'utf8')}policy: [${rule}]\n`);
  const items = one.items(['submit']);
  const did = items.map((item) => `${item.did} ${item.cause ?? ''}`.trim()).sort();
  expect(did).toEqual([...Array(RUNS - ROOM).fill('refused queue-full'), ...Array(ROOM).fill('submitted')]);
  const held = [...one.states().values()].filter(({ name }) => name === 'held');
  expect(held.length).toBe(RUNS - ROOM);
  console.log(`${kind.name}: ${held[0].failure.reason}`);
  for (const { failure, until: end } of held) {
    expect(failure).toMatchObject({ cause: 'queue-full', phase: 'submit' });
    expect(end).toBeDefined();
  }
  one.rounds(() => one.count('completed') === RUNS);
  expect(one.marks()).toEqual(Array.from({ length: RUNS }, (_, at) => String(at + 1)));
  expect(one.starts().length).toBe(RUNS);
}

test('slurm: MaxSubmitJobs of the association', () => {
  useFull();
  atEnd.push(() => {
    for (const daemon of ['slurmd', 'slurmctld'] as const) stopDaemon('full', daemon);
  });
  fillAndFinish({ ...SLURM, use: useFull });
}, 120_000);

test('ganga, with Slurm behind it: the same; what Ganga was told of is neither lost nor doubled', () => {
  useFull();
  // Ganga quotes nothing: no blanks in this one.
  const gangadir = mkdtempSync(join(tmpdir(), 'dflow-gangadir-'));
  atEnd.push(() => {
    for (const end of ['', '-journal']) rmSync(`${lockPath(gangadir)}${end}`, { force: true });
    rmSync(gangadir, { recursive: true, force: true });
    for (const daemon of ['slurmd', 'slurmctld'] as const) stopDaemon('full', daemon);
  });
  const slurm = "via: Slurm, viaOptions: {queue: main}, settings: ['[Slurm]heartbeat_frequency=0.5']";
  const options = `${GANGA_LOCAL.options}, ${slurm}, gangadir: ${gangadir}`;
  fillAndFinish({ ...GANGA_LOCAL, options, use: useFull });
}, 240_000);

test('htcondor: MAX_JOBS_PER_OWNER of a schedd of its own', async () => {
  const { path, bin } = await schedd();
  const before = process.env.PATH;
  process.env.PATH = [bin, before].join(delimiter);
  atEnd.push(() => {
    process.env.PATH = before;
    rmSync(path, { recursive: true, force: true });
  });
  const answers = () => spawnSync('condor_q', ['-constraint', 'false'], { stdio: 'ignore' }).status === 0;
  await until('the schedd', async () => answers() || undefined, 30);
  const programs = Object.fromEntries(['condor_submit', 'condor_release'].map((name) => [name, join(bin, name)]));
  fillAndFinish({ ...CONDOR, system: { ...CONDOR.system, programs }, use: () => undefined });
}, 120_000);

/** A second schedd in the pool, with that limit, that nobody else submits to; and commands that talk to it. */
async function schedd(): Promise<{ path: string; bin: string }> {
  useCondor();
  untilUp();
  const path = mkdtempSync(join(tmpdir(), 'dflow-schedd-'));
  const bin = join(path, 'bin');
  for (const name of ['', 'spool', 'log', 'bin']) {
    mkdirSync(join(path, name), { recursive: true });
    chmodSync(join(path, name), 0o777);
  }
  const settings = {
    MAX_JOBS_PER_OWNER: ROOM,
    // The pool's daemons trust each other by their common parent, which is not this one's.
    SEC_USE_FAMILY_SESSION: false,
    SCHEDD_NAME: 'full@',
    SCHEDD_ADDRESS_FILE: join(path, 'address'),
    SCHEDD_LOG: join(path, 'log/schedd'),
    SPOOL: join(path, 'spool'),
    HISTORY: join(path, 'spool/history'),
  };
  const words = Object.entries(settings).map(([name, value]) => `_CONDOR_${name}=${value}`);
  for (const name of readdirSync(join(BASE, 'bin'))) {
    const text = readFileSync(join(BASE, 'bin', name), 'utf8').replace(
      'CONDOR_CONFIG=',
      `${words.join(' ')} CONDOR_CONFIG=`,
    );
    writeFileSync(join(bin, name), text);
    chmodSync(join(bin, name), 0o755);
  }
  const start = join(path, 'schedd.sh');
  writeFileSync(start, readFileSync(join(bin, 'condor_q'), 'utf8').replace(' condor_q ', ' /usr/sbin/condor_schedd '));
  const daemon: ChildProcess = spawn('sh', [start, '-f'], { stdio: 'ignore', cwd: '/' });
  atEnd.push(() => daemon.kill('SIGQUIT'));
  return { path, bin };
}
