// Every command of docs/json.md, run as scripts run it: each JSON line is one that the document describes. `dflow` of
// test/support/cli.ts checks the lines; here all commands get their turn, and one that prints nothing is noticed.
import { readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { dflow, lines, rawFolder, removeFolders } from '../support/cli.ts';
import { contract } from '../support/contract.ts';

afterAll(removeFolders);

const MODULES = `modules:
  Count:
    run: wc -c "$@" > "$OUT_counts"
    outputs: {counts: counts.txt}
  Broken:
    run: echo no such thing >&2; exit 3
    outputs: {plot: plot.txt}
    tries: 1
runTypes: {any: [Count, Broken]}
`;

const MORE = `hosts: {'*': {loops: [register, tables, transfer, enqueue, submit, monitor, reset]}}
notify: {people: {on: [failed], command: cat > told}}
`;

const TABLE = '{name: "GEO", run_range: [1, 3], pass: 0, height: 9.5}\n';

test('each prints lines that are described, and at least one', () => {
  const here = rawFolder(3);
  const printed = new Map<string, number>();
  const run = (key: string, ...rest: (string | { input: string })[]): Record<string, unknown>[] => {
    const words = rest.filter((word) => typeof word === 'string');
    const input = rest.find((word) => typeof word !== 'string');
    const args = [...key.split(' '), ...words, '--json'];
    const ran = dflow(here, args, input);
    if (ran.code !== 0 && ran.code !== 1) throw new Error(`dflow ${args.join(' ')}: ${ran.code}\n${ran.err}`);
    const found = lines(ran.out);
    printed.set(key, (printed.get(key) ?? 0) + found.length);
    return found;
  };

  run('init', '--from', './raw');
  writeFileSync(join(here, 'modules/1.0.yaml'), MODULES);
  writeFileSync(join(here, 'geo.ratdb'), TABLE);
  const config = join(here, 'dflow.yaml');
  const text = readFileSync(config, 'utf8').replace(/pattern: '[^']*'/, '$&, settle: 1s');
  writeFileSync(config, `${text}runs: {quiet: 0}\ntables: {required: [GEO], command: cat geo.ratdb}\n${MORE}`);
  const junk = join(here, 'raw', 'run1_0.dat.gz');
  writeFileSync(junk, 'bytes');
  utimesSync(junk, new Date(Date.now() - 60_000), new Date(Date.now() - 60_000));

  run('store setup');
  run('store info');
  run('store deploy');
  run('config check');
  run('doctor');
  run('doctor --canary');
  run('config show');
  run('module check');
  run('module new', '2.0', '--from', '1.0', '--dry-run');
  for (let tries = 0; tries < 100 && run('list runs').length < 3; tries++) {
    run('register');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
  }
  run('tables');
  run('tables load', 'geo.ratdb', '--tag', 'v1');
  run('tables show', 'GEO', '--run', '1');
  run('list tables');
  run('list first-pass');
  run('transfer');
  run('enqueue');
  run('submit');
  const seen = run('monitor poll');
  run('monitor apply', { input: seen.map((one) => `${JSON.stringify(one)}\n`).join('') });
  run('monitor');
  run('chain', '--until-idle');
  run('wait', '1/Count', '--for', 'completed', '--timeout', '1m');
  run('module test', 'Count', '--run', '1', '--version', '1.0');
  for (const list of ['data', 'replicas', 'farms', 'storage', 'loops', 'modules', 'quarantine']) run(`list ${list}`);
  run('list jobs', '--state', 'all');
  run('show', '1');
  run('history', '1');
  run('log', '1/Count');
  run('status');
  run('flow');
  run('report');
  run('why', '1/Broken');
  run('why --all');
  run('policy test', '--all');
  run('verify', '--read');

  run('reprocess', '--request', 'again', '--module', 'Count', '--run', '1', '--version', '1.0');
  run('reprocess', '--request', 'more', '--module', 'Count', '--run', '2', '--version', '1.0', '--dry-run');
  run('report --request', 'again');
  run('list requests');
  run('list summary', '--by', 'module,label');
  run('pause', '--why', 'test', '--module', 'Count');
  run('list holds');
  const [hold] = run('list holds');
  run('resume', String(hold?.ref), '--why', 'done');
  run('quarantine', '2', '--why', 'noise');
  run('storage disable', String(run('list storage')[0]?.ref), '--why', 'test', '--for', '1h');
  run('storage primary', String(run('list storage')[0]?.ref), '--why', 'test', '--for', '1h');
  run('farm drain', String(run('list farms')[0]?.ref), '--why', 'test', '--for', '1h');
  run('farm unlock', String(run('list farms')[0]?.ref), '--why', 'test', '--yes');
  run('reset');
  run('retry', '1/Broken');
  run('cancel', '2/Broken', '--yes');
  run('get', '3/Count', '--to', 'mine');
  run('delete', '3/Count', '--yes');
  run('transfer --cancel', '--run', '1', '--why', 'test');
  run('purge', '--junk', 'run1_0.dat.gz', '--why', 'packed by hand', '--yes');
  const [trash] = run('list quarantine --trash');
  run('quarantine --restore', String(trash?.ref));

  const documents = run('store export');
  run('store import', '-', { input: documents.map((one) => `${JSON.stringify(one)}\n`).join('') });
  run('store drop', 'job:none', '--why', 'test');

  run('label add', 'gold', '1', '2');
  run('list labels');
  run('label remove', 'gold', '1', '2');
  run('note', 'to be looked at again', '1');
  run('status --since', '1h');
  run('events', '--since', '1h');
  run('notify');
  run('metrics');
  run('loop', '--once', '--name', 'register');
  run('screens systemd --out', 'units');
  run('monitor poll --spool', 'spool');
  run('store check');
  run('store migrate');
  run('store compact');
  run('store archive', '.', '--before', '2020-01-01', '--dry-run');
  const [backup] = run('store backup', 'backups');
  run('store rescue', 'rescued.jsonl');
  run('store restore', String(backup?.ref), '--yes');
  run('store rebuild', '--force', String(run('store info')[0]?.experiment));

  // Conflicts, copies and roles are CouchDB's; windows need tmux, and the catalogue needs Rucio: both have their suites
  // among the systems. What is listed of an archive, or comes back, must be in one first (store-archive.test.ts).
  const rest = Object.keys(contract.commands).filter((key) => !printed.has(key));
  const elsewhere =
    /^(list archived|store (conflicts|replicate|grant|revoke|users|unarchive)|screens (start|stop|restart|status)|catalogue (sync|import)|verify --catalogue)\b/;
  expect(rest.filter((key) => !elsewhere.test(key))).toEqual([]);
  // What these say hangs on how fast the jobs are; no document is of an older form.
  for (const key of ['monitor', 'monitor apply', 'chain', 'reset', 'store migrate']) printed.delete(key);
  const silent = [...printed].filter(([, count]) => count === 0).map(([key]) => key);
  expect(silent).toEqual([]);
}, 1_800_000);
