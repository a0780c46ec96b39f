// node bench/tools/hour.mjs [--minutes 60] [--store URL] [--every 5s] [--json]: data taking under `dflow screens`, with blows. A run a second is
// written; loops in real tmux take it through the chain; meanwhile loops are killed, the scheduler is killed, storage and
// store go away and come back. At the end everything is counted: runs, copies, passes, starts of jobs, windows, alarms.
// Without --store one host on SQLite; with it (http://user:pass@host/db or postgres://...) two hosts on that store, and
// --down COMMAND and --up COMMAND end and start its server.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    store: { type: 'string' },
    down: { type: 'string' },
    up: { type: 'string' },
    kills: { type: 'string', default: '50' },
    every: { type: 'string', default: '5s' },
    json: { type: 'boolean', default: false },
  },
});
const BIN = resolve(import.meta.dirname, '../..', 'bin', 'run.js');
const length = Number(values.minutes) * 60_000;
const folder = mkdtempSync(join(tmpdir(), 'dflow-hour-'));
const sockets = mkdtempSync(join(tmpdir(), 'tmux-'));
/** Runs a program while files go on coming in; what it says on standard output, whatever its exit code. */
const run = (program, words, options = {}) =>
  promisify(execFile)(program, words, { encoding: 'utf8', maxBuffer: 2 ** 29, ...options }).then(
    ({ stdout }) => stdout,
    ({ stdout = '' }) => stdout,
  );
const say = (text) => process.stderr.write(`${new Date().toISOString().slice(11, 19)}  ${text}\n`);

const loops = (names) => names.map((name) => `      ${name}: {every: ${values.every}}`).join('\n');
const hosts = values.store
  ? `  buffer1:\n    loops:\n${loops(['register', 'transfer'])}\n  login1:\n    loops:\n${loops(['enqueue', 'processing', 'monitor', 'reset'])}\n`
  : `  buffer1:\n    loops:\n${loops(['register', 'transfer', 'enqueue', 'processing', 'monitor', 'reset'])}\n`;
const WINDOWS = 6;
const names = values.store ? ['buffer1', 'login1'] : ['buffer1'];
writeFileSync(
  join(folder, 'dflow.yaml'),
  `experiment: hour
${values.store ? `store: ${values.store}\n` : ''}buffer: {path: ./raw, pattern: 'run{run:6}_{subrun}.dat', closed: marker}
storage: {disk: ./store, tape: ./tape}
copies: {raw: 2}
runs: {quiet: 2s}
transfer: {lease: 30s, retry: 5s}
breaker: {aside: 10s}
limits: {submitting: 30s, grace: 5s}
farms: {local: {slots: 4}}
policy:
  - {cause: any, text: '.', action: retry, tries: 50}
hosts:
${hosts}`,
);
for (const name of ['raw', 'store', 'tape', 'modules']) mkdirSync(join(folder, name));
writeFileSync(
  join(folder, 'modules/1.0.yaml'),
  `modules:
  Count:
    run: echo "$DFLOW_JOB" >> '${folder}/marks'; sleep 2; wc -c "$@" > "$OUT_counts"
    outputs: {counts: counts.txt}
runTypes: {any: [Count]}
`,
);

const env = (host) => ({ ...process.env, DFLOW_HOST: host, TMUX_TMPDIR: join(sockets, host), NO_COLOR: '1' });
for (const host of names) mkdirSync(join(sockets, host));
const dflow = (host, ...words) =>
  spawnSync(process.execPath, [BIN, ...words], { cwd: folder, encoding: 'utf8', env: env(host), maxBuffer: 2 ** 29 });
const must = (host, ...words) => {
  const ran = dflow(host, ...words);
  if (ran.status !== 0) throw new Error(`dflow ${words.join(' ')}: ${ran.status} ${ran.stderr}`);
  return ran.stdout;
};
const panes = (host) =>
  spawnSync('tmux', ['list-panes', '-s', '-t', 'dflow-hour', '-F', '#{window_name} #{pane_pid} #{pane_dead}'], {
    encoding: 'utf8',
    env: env(host),
  })
    .stdout.trim()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '));
const capture = (host, name) =>
  spawnSync('tmux', ['capture-pane', '-p', '-S', '-2000', '-t', `=dflow-hour:=${name}`], {
    encoding: 'utf8',
    env: env(host),
  }).stdout.trimEnd();
const childOf = (pid) => Number(spawnSync('ps', ['-o', 'pid=', '--ppid', pid], { encoding: 'utf8' }).stdout.trim());

/** Pids of the local backend's supervisor: the scheduler of this experiment. */
function schedulers() {
  const found = spawnSync('find', [folder, '-name', 'supervisor.pid'], { encoding: 'utf8' }).stdout.trim().split('\n');
  return found.filter((path) => path !== '').map((path) => Number(readFileSync(path, 'utf8')));
}

const done = { kills: 0, schedulers: 0, storage: 0, stores: 0 };
const alarms = new Map();
const pick = (list) => list[Math.floor(Math.random() * list.length)];

function killLoop() {
  const host = pick(names);
  const [name, pid] = pick(panes(host)) ?? [];
  const loop = pid === undefined ? 0 : childOf(pid);
  if (!(loop > 1)) return;
  process.kill(loop, 'SIGKILL');
  done.kills++;
  say(`killed ${name} on ${host}`);
}

/** A scheduler without jobs ends by itself: the next one is waited for. */
async function killScheduler() {
  for (const end = Date.now() + 60_000; Date.now() < end; await wait(200)) {
    for (const pid of schedulers()) {
      try {
        process.kill(pid, 'SIGKILL');
        done.schedulers++;
        say(`killed the scheduler (${pid})`);
        return;
      } catch {}
    }
  }
  throw new Error('no scheduler ran for a minute');
}

async function storageAway() {
  renameSync(join(folder, 'store'), join(folder, 'store-away'));
  say('the storage element disk is away');
  await wait(20_000);
  if (existsSync(join(folder, 'store'))) throw new Error('somebody made the folder of an element that was away');
  renameSync(join(folder, 'store-away'), join(folder, 'store'));
  done.storage++;
  say('the storage element disk is back');
}

/** Another program holds the write lock for 15 s. */
async function sqliteBusy() {
  say('the store is locked by another program');
  const hold = 'import sqlite3,time,sys; c=sqlite3.connect(sys.argv[1]); c.execute("BEGIN IMMEDIATE"); time.sleep(15)';
  await run('python3', ['-c', hold, join(folder, 'dflow.db')]);
  say('the store is free');
}

async function storeAway() {
  if (!values.down) {
    await sqliteBusy();
    done.stores++;
    return;
  }
  await run('sh', ['-c', values.down]);
  say('the store is killed');
  await wait(15_000);
  await run('sh', ['-c', values.up]);
  done.stores++;
  say('the store is back');
}

async function noteAlarms() {
  const stdout = await run(process.execPath, [BIN, 'status', '--json'], { cwd: folder, env: env(names[0]) });
  const [line] = stdout.split('\n');
  if (!line) return;
  for (const { way, text } of JSON.parse(line).needYou ?? []) {
    const known = alarms.get(way) ?? { times: 0, text };
    alarms.set(way, { times: known.times + 1, text: known.text });
  }
}

const began = Date.now();
must(names[0], 'store', 'setup');
for (const host of names) must(host, 'screens', 'start');
say(`${folder}: ${names.join(', ')}; ${values.minutes} minutes`);

let runs = 0;
let stop = false;
const feeder = (async () => {
  while (!stop) {
    const name = `run${String(++runs).padStart(6, '0')}_0.dat`;
    writeFileSync(join(folder, 'raw', name), `run ${runs} ${'x'.repeat(runs % 997)}\n`);
    writeFileSync(join(folder, 'raw', `${name}_closed`), '');
    await wait(Math.max(0, began + runs * 1000 - Date.now()));
  }
})();
const at = (share) => began + share * length;
const plan = [
  ...Array.from({ length: Number(values.kills) }, (_, n) => [at((n + 0.5) / Number(values.kills)), killLoop]),
  ...[0.2, 0.7].map((share) => [at(share), killScheduler]),
  ...[0.3, 0.6].map((share) => [at(share), storageAway]),
  ...[0.4, 0.8].map((share) => [at(share), storeAway]),
  ...Array.from({ length: Number(values.minutes) * 2 }, (_, n) => [
    at((n + 1) / (Number(values.minutes) * 2)),
    noteAlarms,
  ]),
].sort(([a], [b]) => a - b);
const errors = [];
const blows = [];
for (const [when, act] of plan) {
  await wait(Math.max(0, when - Date.now()));
  blows.push(
    Promise.resolve()
      .then(act)
      .catch((error) => errors.push(error.message)),
  );
}
await wait(Math.max(0, began + length - Date.now()));
stop = true;
await feeder;
await Promise.all(blows);
say(`${runs} runs were taken; waiting for the chain`);

/** Passes and copies by state. */
function picture() {
  const docs = must(names[0], 'store', 'export')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
  const of = (kind) => docs.filter((doc) => doc.kind === kind);
  const copies = of('data').flatMap((doc) => doc.files.flatMap((file) => Object.values(file.replicas)));
  return {
    runs: of('run').length,
    verified: copies.filter((copy) => copy.state === 'verified').length,
    completed: of('job').filter((doc) => doc.state === 'completed').length,
    passes: of('job').length,
  };
}
let last = picture();
for (const end = Date.now() + 15 * 60_000; Date.now() < end; last = picture()) {
  if (last.completed === runs && last.verified === 2 * runs) break;
  await wait(10_000);
}
const windows = names.flatMap((host) =>
  panes(host).map(([name, pid, dead]) => ({ host, name, dead: dead === '1' || !(childOf(pid) > 0) })),
);
const screens = Object.fromEntries(windows.map(({ host, name }) => [`${host} ${name}`, capture(host, name)]));
mkdirSync(join(folder, 'panes'));
for (const [name, text] of Object.entries(screens)) writeFileSync(join(folder, 'panes', name), text);
const finalStatus = dflow(names[0], 'status').stdout;
for (const host of names) dflow(host, 'screens', 'stop');
const marks = readFileSync(join(folder, 'marks'), 'utf8').trim().split('\n');
const copied = ['store', 'tape'].map(
  (place) => readdirSync(join(folder, place), { recursive: true }).filter((name) => /_0\.dat$/.test(name)).length,
);
const result = {
  minutes: Number(values.minutes),
  hosts: names.length,
  store: values.store ? new URL(values.store).protocol : 'sqlite',
  taken: runs,
  ...last,
  copied,
  starts: marks.length,
  startedTwice: marks.length - new Set(marks).size,
  ...done,
  windows: windows.length,
  windowsPlanned: WINDOWS,
  windowsDead: windows.filter(({ dead }) => dead).length,
  alarms: Object.fromEntries([...alarms].map(([way, { times, text }]) => [way, `${times} times: ${text}`])),
  errors,
  panes: join(folder, 'panes'),
};
process.stdout.write(`${values.json ? JSON.stringify(result) : JSON.stringify(result, null, 2)}\n`);
if (!values.json) process.stdout.write(finalStatus);
const whole = last.runs === runs && last.completed === runs && last.verified === 2 * runs && result.startedTwice === 0;
process.exitCode = whole && windows.length === WINDOWS && result.windowsDead === 0 && errors.length === 0 ? 0 : 1;
