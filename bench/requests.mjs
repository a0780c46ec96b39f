// Requests and time of commands that have nothing to do, on CouchDB through a proxy that counts and delays, beside
// SQLite in the same run. The server is that of DFLOW_TEST_COUCHDB, else the tests' one in memory.
// Usage: node bench/requests.mjs [RUNS=20] [LATENCY_MS=0,100] [COMMAND ...]   BENCH_TRACE=1 prints every request and when it came.
// BENCH_ROUNDS=3 times each command; the least counts. Targets at 100 ms: `status` 0.7 s, idle `chain` 3 s.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { Agent, request as ask, createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const bin = process.env.DFLOW_BIN ?? join(root, 'bin', 'run.js');
const [runs = '20', latencies = '0,100', ...only] = process.argv.slice(2);
const rounds = Number(process.env.BENCH_ROUNDS ?? 3);
const COMMANDS = [
  ...['version', 'chain', 'status', 'submit', 'monitor', 'enqueue', 'register', 'transfer', 'reset'],
  ...['why --all', 'list jobs', 'list runs', 'list jobs --state all --limit 20', 'list runs --limit 20'],
  ...['purge --dry-run', 'submit --dry-run --limit 5'],
].filter((command) => only.length === 0 || only.includes(command));

const CONFIG = `experiment: bench
buffer: {path: ./raw, pattern: 'run{run:7}.dat'}
storage: {disk: ./store, tape: ./tape}
farms: {here: {backend: local, slots: 2, pending: 400}}
`;
const MODULES = `modules:
  Processing: {run: 'wc -c "$@" > "$OUT_counts"', outputs: {counts: counts.txt}}
  Analysis: {needs: Processing, run: 'wc -c "$@" > "$OUT_sum"', outputs: {sum: sum.txt}}
runTypes: {any: [Processing, Analysis]}
`;

/** A proxy in front of `target`: counts requests, and holds each answer back by `latency` ms. */
async function startProxy(target) {
  const proxy = { latency: 0, seen: [], open: new Set(), began: 0 };
  const agent = new Agent({ keepAlive: true });
  const { hostname, port, username, password } = new URL(target);
  const login = username && `Basic ${Buffer.from(`${username}:${decodeURIComponent(password)}`).toString('base64')}`;
  const server = createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method, url } = incoming;
    proxy.seen.push(
      `${String(Math.round(performance.now() - proxy.began)).padStart(5)} ms  ${method} ${decodeURIComponent(url)} ${Buffer.concat(chunks).toString().slice(0, 300)}`,
    );
    if (proxy.latency > 0) await pause(proxy.latency);
    const headers = { ...incoming.headers, host: `${hostname}:${port}`, ...(login && { authorization: login }) };
    const onward = ask({ hostname, port, method, path: url, headers, agent }, (reply) => {
      outgoing.writeHead(reply.statusCode, reply.headers);
      reply.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    onward.end(Buffer.concat(chunks));
  });
  server.on('connection', (socket) => proxy.open.add(socket));
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  proxy.url = `http://127.0.0.1:${server.address().port}`;
  proxy.stop = () => {
    agent.destroy();
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return proxy;
}

/** The tests' server in memory; it is TypeScript, which is bundled first. */
async function memoryServer(folder) {
  const { build } = await import('esbuild');
  const outfile = join(root, 'node_modules', '.cache', `bench-couch-${process.pid}.mjs`);
  const entryPoints = [join(root, 'test', 'fakes', 'couch-server.ts')];
  await build({ entryPoints, outfile, bundle: true, packages: 'external', platform: 'node', format: 'esm' });
  const { startCouchServer } = await import(pathToFileURL(outfile).href);
  rmSync(outfile);
  process.env.TMPDIR = folder;
  return startCouchServer();
}

function prepare(folder) {
  for (const name of ['raw', 'store', 'tape', 'modules']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'modules', '1.0.yaml'), MODULES);
  const old = new Date(Date.now() - 3_600_000);
  for (let run = 1; run <= Number(runs); run++) {
    const path = join(folder, 'raw', `run${String(run).padStart(7, '0')}.dat`);
    writeFileSync(path, `run ${run}\n`);
    utimesSync(path, old, old);
  }
}

/** Wall seconds of one call; this process, in which the proxy lives, goes on meanwhile. */
function dflow(folder, args, store) {
  const began = process.hrtime.bigint();
  const env = { ...process.env, ...(store && { DFLOW_STORE: store }) };
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let words = '';
  child.stderr.on('data', (chunk) => {
    words += chunk;
  });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      if (code !== 0) reject(new Error(`dflow ${args.join(' ')} ended with ${code}: ${words}`));
      else resolve(Number(process.hrtime.bigint() - began) / 1e9);
    });
  });
}

const folder = mkdtempSync(join(tmpdir(), 'dflow-bench-requests-'));
const here = join(folder, 'sqlite');
const there = join(folder, 'couch');
prepare(here);
writeFileSync(join(here, 'dflow.yaml'), CONFIG);
const server = process.env.DFLOW_TEST_COUCHDB ? undefined : await memoryServer(folder);
const proxy = await startProxy(process.env.DFLOW_TEST_COUCHDB ?? server.url);
const database = `bench-requests-${process.pid}`;
const store = `${proxy.url}/${database}`;
await dflow(here, ['store', 'setup']);
await dflow(here, ['chain', '--until-idle', '--quiet']);
// The same experiment on CouchDB: the documents, the buffer, the elements.
cpSync(here, there, { recursive: true, preserveTimestamps: true });
const exported = spawnSync(process.execPath, [bin, 'store', 'export'], { cwd: here, maxBuffer: 1e9 });
const file = join(there, 'dflow.yaml');
writeFileSync(file, `${readFileSync(file, 'utf8')}store: ${store}\n`);
writeFileSync(join(folder, 'export.jsonl'), exported.stdout);
await dflow(there, ['store', 'setup']);
await dflow(there, ['store', 'import', join(folder, 'export.jsonl')]);
await dflow(there, ['chain', '--quiet']);

const times = latencies.split(',').map(Number);
const row = (cells) => console.log(cells.map((cell, i) => String(cell).padEnd(i === 0 ? 34 : 11)).join(''));
console.log(`${runs} finished runs x 2 modules; least of ${rounds}; ratio: CouchDB at 0 ms to SQLite`);
row(['command', 'requests', 'writes', 'SQLite', ...times.map((time) => `${time} ms`), 'ratio']);
try {
  for (const command of COMMANDS) {
    const args = command === 'version' ? ['--version'] : command.split(' ');
    const least = async (where) => {
      let best = Number.POSITIVE_INFINITY;
      for (let round = 0; round < rounds; round++) {
        proxy.seen.length = 0;
        proxy.began = performance.now();
        best = Math.min(best, await dflow(where, args));
      }
      return best;
    };
    const plain = await least(here);
    const seconds = [];
    for (const time of times) {
      proxy.latency = time;
      seconds.push(await least(there));
    }
    proxy.latency = 0;
    const writes = proxy.seen.filter((line) => /_bulk_docs|^PUT|^DELETE/.test(line)).length;
    const ratio = times[0] === 0 ? (seconds[0] / plain).toFixed(1) : '-';
    row([command, proxy.seen.length, writes, plain.toFixed(2), ...seconds.map((time) => time.toFixed(2)), ratio]);
    if (process.env.BENCH_TRACE) for (const line of proxy.seen) console.log(`    ${line.slice(0, 260)}`);
  }
} finally {
  const { pathname, origin } = new URL(store);
  await fetch(origin + pathname, { method: 'DELETE' });
  await proxy.stop();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}
