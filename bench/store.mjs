// The writing commands against the raw rate of the store: the same documents, written in the same minute by `_bulk_docs`
// (CouchDB) or by prepared INSERTs (SQLite). The shares are what counts: seconds are those of the machine.
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { bin, drop, makeExperiment, newFolder } from './shared/experiment.mjs';

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

const allRuns = (runs) => Array.from({ length: runs }, (_, index) => index + 1);

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
async function world({ base, server }, docs) {
  const name = `bench-${process.pid}-${++worlds}`;
  const folder = join(base, name);
  mkdirSync(folder);
  const store = server ? `store: ${server.url(name)}\n` : '';
  makeExperiment(folder, CONFIG + store, MODULES);
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
async function raw(bench, { name, folder }, before, prefixes) {
  const { server } = bench;
  if (!server) return rawSqlite(join(folder, 'dflow.db'), prefixes);
  const plain = await world(bench, before);
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

/** A line: the rate of the command beside the raw one, and what share of it that is. */
function told(what, count, seconds, plain) {
  const yardstick = plain && { name: 'raw', value: plain.count / plain.seconds };
  const value = count / seconds;
  return { what, value, unit: 'documents/s', ...(plain && { yardstick, ratio: value / yardstick.value }) };
}

const canceled = { name: 'canceled', since: AT, why: 'bench' };

const BENCHES = {
  async enqueue(bench, runs) {
    const docs = allRuns(runs).flatMap(runOf);
    const place = await world(bench, docs);
    const seconds = await dflow(place.folder, ['enqueue', '--quiet']);
    const plain = await raw(bench, place, docs, ['job:', 'run:']);
    return { ...told(`enqueue, ${runs} runs x 2`, plain.count, seconds, plain), target: { atLeast: 0.6 } };
  },
  async again(bench, runs) {
    const docs = allRuns(runs).flatMap((run) => [...runOf(run), passOf(run, canceled)]);
    const place = await world(bench, docs);
    const seconds = await dflow(place.folder, ['enqueue', '--quiet']);
    const plain = await raw(bench, place, docs, ['job:', 'run:']);
    return told(`enqueue, ${runs} runs whose passes exist`, 3 * runs, seconds, plain);
  },
  async apply(bench, runs) {
    const docs = allRuns(runs).flatMap((run) => [...runOf(run), passOf(run, submitted(run))]);
    const place = await world(bench, docs);
    const at = new Date().toISOString();
    const lines = allRuns(runs).map((run) => {
      const job = `job:${pad(run)}:Processing:001`;
      return { kind: 'observation', site: 'here', key: `benchclaim.${run}`, job, subjob: 0, at, state: 'running' };
    });
    writeFileSync(join(place.folder, 'seen.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const input = openSync(join(place.folder, 'seen.jsonl'), 'r');
    const seconds = await dflow(place.folder, ['monitor', 'apply', '--quiet'], input);
    const row = told(`monitor apply, ${runs} changes`, runs, seconds, await raw(bench, place, docs, ['job:']));
    return row;
  },
  async reprocess(bench, runs) {
    const docs = allRuns(runs).flatMap((run) => [...runOf(run), passOf(run, canceled)]);
    const place = await world(bench, docs);
    const args = ['-V', '1.0', '-m', 'Processing', '--run', `1-${runs}`, '--quiet'];
    const seconds = await dflow(place.folder, ['reprocess', '--request', 'bench', ...args]);
    return told(`reprocess, ${runs} runs`, runs, seconds);
  },
  async tables(bench, runs) {
    const place = await world(bench, allRuns(runs).flatMap(runOf));
    const text = allRuns(runs).map(
      (run) => `{type: "RUN", version: 1, index: "", run_range: [${run}, ${run}], runtype: 8}\n`,
    );
    writeFileSync(join(place.folder, 'run.ratdb'), text.join(''));
    const seconds = await dflow(place.folder, ['tables', 'load', 'run.ratdb', '--quiet']);
    return told(`tables load, ${runs} RUN tables`, runs, seconds);
  },
};

export default {
  about: 'enqueue, monitor apply, reprocess and tables load, against the raw rate of the store',
  options: {
    store: {
      fallback: 'sqlite',
      about: 'sqlite, or the address of a CouchDB with its admin: http://admin:PASSWORD@HOST/',
    },
    runs: { fallback: '10000', about: 'how many runs' },
    steps: { fallback: Object.keys(BENCHES).join(','), about: 'which; again: enqueue where passes exist' },
  },
  async *run({ store, runs, steps }) {
    const base = newFolder();
    const server = store === 'sqlite' ? undefined : couch(store);
    try {
      for (const name of steps.split(',')) {
        const row = await BENCHES[name]({ base, server }, Number(runs));
        yield { ...row, what: `${row.what}, ${server ? 'CouchDB' : 'SQLite'}` };
      }
    } finally {
      await server?.drop();
      drop(base);
    }
  },
};
