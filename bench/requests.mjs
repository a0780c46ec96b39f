// Requests and time of commands that have nothing to do, on CouchDB through a proxy that counts and delays, beside
// SQLite in the same run. The server is that of DFLOW_TEST_COUCHDB, else the tests' one in memory.
// A round trip: a request that begins when the answer to an earlier one has come; those under way at once are one.
// BENCH_TRACE=1 prints every request and when it came.
import { spawn } from 'node:child_process';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as ask, createServer } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { asked, bin, drop, makeExperiment, makeRaw, newFolder, root } from './shared/experiment.mjs';

const COMMANDS = [
  ...['version', 'chain', 'status', 'submit', 'monitor', 'enqueue', 'register', 'transfer', 'reset'],
  ...['why --all', 'list jobs', 'list runs', 'list jobs --state all --limit 20', 'list runs --limit 20'],
  ...['purge --dry-run', 'submit --dry-run --limit 5'],
];

const TARGETS = { status: { under: 0.7 }, chain: { under: 3 } };

const CONFIG = `experiment: bench
buffer: {path: ./raw, pattern: 'run{run:7}.dat'}
storage: {disk: ./store, tape: ./tape}
farms: {here: {backend: local, slots: 2, pending: 400}}
`;

/** A proxy in front of `target`: counts requests, and holds each answer back by `latency` ms. */
async function startProxy(target) {
  const proxy = { latency: 0, seen: [], open: new Set(), began: 0, trips: 0, idle: true };
  const agent = new Agent({ keepAlive: true });
  const { hostname, port, username, password } = new URL(target);
  const login = username && `Basic ${Buffer.from(`${username}:${decodeURIComponent(password)}`).toString('base64')}`;
  const server = createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method, url } = incoming;
    if (proxy.idle) proxy.trips++;
    proxy.idle = false;
    proxy.seen.push(
      `${String(Math.round(performance.now() - proxy.began)).padStart(5)} ms  ${method} ${decodeURIComponent(url)} ${Buffer.concat(chunks).toString().slice(0, 300)}`,
    );
    if (proxy.latency > 0) await pause(proxy.latency);
    const headers = { ...incoming.headers, host: `${hostname}:${port}`, ...(login && { authorization: login }) };
    const onward = ask({ hostname, port, method, path: url, headers, agent }, (reply) => {
      proxy.idle = true;
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

/** The same experiment on SQLite and, through the proxy, on CouchDB: documents, buffer and elements. */
async function twins(folder, runs, store) {
  const [here, there] = [join(folder, 'sqlite'), join(folder, 'couch')];
  makeExperiment(here, CONFIG);
  makeRaw(here, 1, runs);
  await dflow(here, ['store', 'setup']);
  await dflow(here, ['chain', '--until-idle', '--quiet']);
  cpSync(here, there, { recursive: true, preserveTimestamps: true });
  const file = join(there, 'dflow.yaml');
  writeFileSync(file, `${readFileSync(file, 'utf8')}store: ${store}\n`);
  writeFileSync(join(folder, 'export.jsonl'), asked(here, ['store', 'export']));
  await dflow(there, ['store', 'setup']);
  await dflow(there, ['store', 'import', join(folder, 'export.jsonl')]);
  await dflow(there, ['chain', '--quiet']);
  return { here, there };
}

/** The least seconds of some calls; the proxy has the requests of the last one. */
async function least(where, args, rounds, proxy) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    proxy.seen.length = 0;
    proxy.trips = 0;
    proxy.idle = true;
    proxy.began = performance.now();
    best = Math.min(best, await dflow(where, args));
  }
  return best;
}

async function* rowsOf(command, { here, there }, proxy, { latencies, rounds }) {
  const args = command === 'version' ? ['--version'] : command.split(' ');
  const yardstick = { name: 'SQLite', value: await least(here, args, rounds, proxy) };
  for (const latency of latencies) {
    proxy.latency = latency;
    const value = await least(there, args, rounds, proxy);
    proxy.latency = 0;
    const writes = proxy.seen.filter((line) => /_bulk_docs|^PUT|^DELETE/.test(line)).length;
    const target = latency === 100 ? TARGETS[command] : undefined;
    const what = `${command}, ${latency} ms away, ${proxy.seen.length} requests, ${proxy.trips} round trips, ${writes} writes`;
    yield { what, value, yardstick, target };
  }
  if (process.env.BENCH_TRACE) for (const line of proxy.seen) process.stderr.write(`    ${line.slice(0, 260)}\n`);
}

export default {
  about: 'requests and time of commands with nothing to do, on CouchDB near and far, against SQLite',
  options: {
    runs: { fallback: '20', about: 'how many finished runs' },
    latency: { fallback: '0,100', about: 'milliseconds between here and the server' },
    rounds: { fallback: '3', about: 'calls of each command; the least counts' },
    commands: { fallback: COMMANDS.join(';'), about: 'commands, with ; between them' },
  },
  async *run({ runs, latency, rounds, commands }) {
    const folder = newFolder();
    const server = process.env.DFLOW_TEST_COUCHDB ? undefined : await memoryServer(folder);
    const proxy = await startProxy(process.env.DFLOW_TEST_COUCHDB ?? server.url);
    const store = `${proxy.url}/bench-requests-${process.pid}`;
    try {
      const both = await twins(folder, Number(runs), store);
      const sizes = { latencies: latency.split(',').map(Number), rounds: Number(rounds) };
      for (const command of commands.split(';')) yield* rowsOf(command, both, proxy, sizes);
    } finally {
      await fetch(store, { method: 'DELETE' });
      await proxy.stop();
      await server?.stop();
      drop(folder);
    }
  },
};
