// The writing commands against the raw rate of the store: the same documents, written in the same minute by `_bulk_docs`
// (CouchDB) or by prepared INSERTs (SQLite). The shares are what counts: seconds are those of the machine.
// Usage: node bench/store.mjs [STORE=sqlite] [RUNS=10000] [WHAT=enqueue,again,apply,reprocess,tables]
// STORE: `sqlite`, or the address of a CouchDB server with the login of its admin: http://admin:PASSWORD@127.0.0.1:5984/
// WHAT: `again` is enqueue where each run has passes by a request. Targets: enqueue 60 % of raw on CouchDB; `apply` 2,000/s there.
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bin = process.env.DFLOW_BIN ?? join(dirname(fileURLToPath(import.meta.url)), '..', 'bin', 'run.js');
const [where = 'sqlite', count = '10000', what = 'enqueue,again,apply,reprocess,tables'] = process.argv.slice(2);
const runs = Number(count);
const base = mkdtempSync(join(process.env.DFLOW_BENCH_TMP ?? tmpdir(), 'dflow-bench-store-'));
const AT = '2026-07-14T06:00:00.000Z';

const CONFIG = `experiment: bench
buffer: {path: ./raw, pattern: 'run{run:10}.dat'}
storage: {disk: ./store}
farms: {here: {backend: local, slots: 2}}
`;
const MODULES = `modules:
  Processing: {run: 'true', outputs: {counts: counts.txt}}
  Analysis: {needs: Processing, run: 'true', outputs: {sum: sum.txt}}
runTypes: {Physics: [Processing, Analysis]}
`;

const pad = (run) => String(run).padStart(10, '0');

/** A complete run of one raw file, as register leaves it. */
function runOf(run) {
  const name = `run${pad(run)}.dat`;
  const file = {
    ...{
      name,
      path: name,
      subrun: 0,
      size: 1000 + run,
      adler32: '00a80123',
      guid: '00000000-0000-5000-8000-000000000000',
    },
    ...{
      lfn: `/bench/raw/${name}`,
      modified: AT,
      registered: AT,
      late: false,
      original: { state: 'present' },
      replicas: {},
    },
  };
  const history = [{ at: AT, to: 'registered', by: 'register@bench' }];
  const complete = { at: AT, subruns: [0], evidence: `${run + 1} seen` };
  return [
    {
      ...{ _id: `data:L1:${pad(run)}`, kind: 'data', v: 1, level: 'L1', run, files: [file] },
      ...{ keep: { kept: true, rule: 'all' }, done: [], host: 'bench', history },
    },
    {
      ...{ _id: `run:${pad(run)}`, kind: 'run', v: 1, run, mask: 4, maskFrom: 'bench', firstSeen: AT },
      ...{ levels: { L1: { complete, lastFile: AT, late: [], files: 1 } }, history },
    },
  ];
}

const allRuns = () => Array.from({ length: runs }, (_, index) => index + 1);

/** A pass of a run by a request. */
function passOf(run, state) {
  const subjob = { index: 0, subrun: 0, inputs: [{ kind: 'raw', level: 'L1', name: `run${pad(run)}.dat` }] };
  return {
    ...{ _id: `job:${pad(run)}:Processing:001`, kind: 'job', v: 1, run, module: 'Processing', pass: 1, version: '1.0' },
    ...{ level: 'L1', mask: 4, request: 'earlier', priority: 0, labels: [], created: AT, needs: [], tables: {} },
    ...{ outputs: { counts: 'counts.txt' }, hash: 'bench', subjobs: [{ ...subjob, attempt: 1, failures: 0, state }] },
    ...{
      state: state.name,
      since: AT,
      history: [{ at: AT, to: 'waiting', by: 'reprocess@bench', why: 'request earlier' }],
    },
  };
}

const submitted = (run) => {
  const lock = { site: 'here', epoch: 1, claim: 'benchclaim', index: run };
  return { name: 'submitted', since: AT, lock, backendId: String(run) };
};

/** Seconds of a command of the built product. */
function dflow(folder, args, input = 'ignore') {
  const began = process.hrtime.bigint();
  const node = (process.env.BENCH_NODE ?? '').split(' ').filter(Boolean);
  const child = spawn(process.execPath, [...node, bin, ...args], { cwd: folder, stdio: [input, 'ignore', 'inherit'] });
  return new Promise((resolve, reject) => {
    child.on('close', (code) => {
      if (code === 0) resolve(Number(process.hrtime.bigint() - began) / 1e9);
      else reject(new Error(`dflow ${args.join(' ')} ended with ${code}`));
    });
  });
}

/** Documents in batches of a thousand. */
function* batches(docs) {
  for (let at = 0; at < docs.length; at += 1000) yield docs.slice(at, at + 1000);
}

const server = where === 'sqlite' ? undefined : couch(where);
let worlds = 0;

/** A CouchDB: its databases of this call, and the documents written without dflow. */
function couch(address) {
  const { origin, username, password } = new URL(address);
  const authorization = `Basic ${Buffer.from(`${username}:${decodeURIComponent(password)}`).toString('base64')}`;
  const call = async (method, path, body) => {
    const headers = { authorization, 'content-type': 'application/json' };
    const reply = await fetch(`${origin}/${path}`, { method, headers, ...(body && { body }) });
    if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
    return reply.json();
  };
  const made = [];
  return {
    made,
    url: (name) => `${origin.replace('//', `//${username}:${password}@`)}/${name}`,
    drop: () => Promise.all(made.map((name) => call('DELETE', name))),
    /** Seconds of writing, all texts made before; the revisions. */
    async write(name, docs) {
      const texts = [...batches(docs)].map((batch) => JSON.stringify({ docs: batch }));
      const began = process.hrtime.bigint();
      const rows = [];
      for (const text of texts) rows.push(...(await call('POST', `${name}/_bulk_docs`, text)));
      const wrong = rows.find((row) => !row.ok);
      if (wrong) throw new Error(`${name}: ${JSON.stringify(wrong)}`);
      return {
        seconds: Number(process.hrtime.bigint() - began) / 1e9,
        revs: new Map(rows.map(({ id, rev }) => [id, rev])),
      };
    },
    async read(name, prefix) {
      const range = `startkey=${encodeURIComponent(JSON.stringify(prefix))}&endkey=${encodeURIComponent(JSON.stringify(`${prefix}~`))}`;
      return (await call('GET', `${name}/_all_docs?include_docs=true&${range}`)).rows.map(({ doc }) => doc);
    },
  };
}

/** An experiment of its own that holds `docs`, with views that are up to date. */
async function world(docs) {
  const name = `bench-${process.pid}-${++worlds}`;
  const folder = join(base, name);
  mkdirSync(join(folder, 'modules'), { recursive: true });
  for (const part of ['raw', 'store']) mkdirSync(join(folder, part));
  const store = server ? `store: ${server.url(name)}\n` : '';
  writeFileSync(join(folder, 'dflow.yaml'), CONFIG + store, { mode: 0o600 });
  writeFileSync(join(folder, 'modules', '1.0.yaml'), MODULES);
  await dflow(folder, ['store', 'setup']);
  server?.made.push(name);
  let revs = new Map();
  if (server) ({ revs } = await server.write(name, docs));
  else {
    writeFileSync(join(folder, 'docs.jsonl'), docs.map((doc) => `${JSON.stringify(doc)}\n`).join(''));
    await dflow(folder, ['store', 'import', 'docs.jsonl', '--quiet']);
  }
  await dflow(folder, ['status']);
  return { name, folder, revs };
}

/** The documents that a command has written, written again without dflow: seconds. `before` is what was there first. */
async function raw({ name, folder }, before, prefixes) {
  if (!server) return rawSqlite(join(folder, 'dflow.db'), prefixes);
  const plain = await world(before);
  const docs = (await Promise.all(prefixes.map((prefix) => server.read(name, prefix)))).flat();
  const texts = docs.map(({ _rev, ...doc }) =>
    plain.revs.has(doc._id) ? { ...doc, _rev: plain.revs.get(doc._id) } : doc,
  );
  return { seconds: (await server.write(plain.name, texts)).seconds, count: docs.length };
}

/** The same into a table with its index, a transaction for each thousand, as durable as dflow's. */
function rawSqlite(path, prefixes) {
  const require = createRequire(import.meta.url);
  const own = Number(process.versions.node.split('.')[0]) < 24;
  const Database = own ? require('libsql') : require('node:sqlite').DatabaseSync;
  const from = new Database(path);
  const docs = prefixes.flatMap((prefix) =>
    from.prepare('SELECT id, body FROM docs WHERE id >= ? AND id < ? AND body IS NOT NULL').all(prefix, `${prefix}~`),
  );
  from.close();
  const to = new Database(`${path}.raw`);
  to.exec(
    'PRAGMA synchronous = FULL; PRAGMA journal_mode = truncate; CREATE TABLE docs (id TEXT NOT NULL UNIQUE, body TEXT)',
  );
  const put = to.prepare('INSERT INTO docs (id, body) VALUES (?, ?)');
  const began = process.hrtime.bigint();
  for (const batch of batches(docs)) {
    to.exec('BEGIN IMMEDIATE');
    for (const { id, body } of batch) put.run(id, body);
    to.exec('COMMIT');
  }
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  to.close();
  return { seconds, count: docs.length };
}

function tell(name, count, seconds, plain) {
  const rate = (n, s) => `${Math.round(n / s)}/s`;
  const share = plain
    ? `  raw ${rate(plain.count, plain.seconds)}, share ${((100 * plain.seconds) / seconds).toFixed(0)} %`
    : '';
  console.log(`${name.padEnd(34)} ${count} in ${seconds.toFixed(1)} s: ${rate(count, seconds)}${share}`);
}

const BENCHES = {
  async enqueue() {
    const docs = allRuns().flatMap(runOf);
    const place = await world(docs);
    const seconds = await dflow(place.folder, ['enqueue', '--quiet']);
    const plain = await raw(place, docs, ['job:', 'run:']);
    tell(`enqueue, ${runs} runs x 2`, plain.count, seconds, plain);
  },
  async again() {
    const docs = allRuns().flatMap((run) => [
      ...runOf(run),
      passOf(run, { name: 'canceled', since: AT, why: 'bench' }),
    ]);
    const place = await world(docs);
    const seconds = await dflow(place.folder, ['enqueue', '--quiet']);
    tell(`enqueue, passes exist`, 3 * runs, seconds, await raw(place, docs, ['job:', 'run:']));
  },
  async apply() {
    const docs = allRuns().flatMap((run) => [...runOf(run), passOf(run, submitted(run))]);
    const place = await world(docs);
    const at = new Date().toISOString();
    const lines = allRuns().map((run) => {
      const job = `job:${pad(run)}:Processing:001`;
      return { kind: 'observation', site: 'here', key: `benchclaim.${run}`, job, subjob: 0, at, state: 'running' };
    });
    writeFileSync(join(place.folder, 'seen.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const input = openSync(join(place.folder, 'seen.jsonl'), 'r');
    const seconds = await dflow(place.folder, ['monitor', 'apply', '--quiet'], input);
    tell(`monitor apply, ${runs} changes`, runs, seconds, await raw(place, docs, ['job:']));
  },
  async reprocess() {
    const place = await world(
      allRuns().flatMap((run) => [...runOf(run), passOf(run, { name: 'canceled', since: AT, why: 'bench' })]),
    );
    const args = ['-V', '1.0', '-m', 'Processing', '--run', `1-${runs}`, '--quiet'];
    tell(`reprocess, ${runs} runs`, runs, await dflow(place.folder, ['reprocess', '--request', 'bench', ...args]));
  },
  async tables() {
    const place = await world(allRuns().flatMap(runOf));
    const text = allRuns().map(
      (run) => `{type: "RUN", version: 1, index: "", run_range: [${run}, ${run}], runtype: 8}\n`,
    );
    writeFileSync(join(place.folder, 'run.ratdb'), text.join(''));
    tell(
      `tables load, ${runs} RUN tables`,
      runs,
      await dflow(place.folder, ['tables', 'load', 'run.ratdb', '--quiet']),
    );
  },
};

try {
  for (const name of what.split(',')) await BENCHES[name]();
} finally {
  await server?.drop();
  rmSync(base, { recursive: true, force: true });
}
