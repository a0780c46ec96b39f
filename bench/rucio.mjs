// `catalogue sync` against plain REST, both telling the same Rucio of as many replicas; and `transfer` with Rucio there,
// refusing connections, and silent. The server is test/systems/rucio-up.sh, with SQLite behind it.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { source, transferred } from './shared/copying.mjs';
import { asked, dflow, median, ran, root, timed } from './shared/experiment.mjs';

const systems = join(root, 'test/systems');
const PASSWORD = 'pass-word.of.rucio';
const PLACES = { one: 'ONE', two: 'TWO' };
const COPIES = Object.keys(PLACES).length;
const prefixOf = (place) => `root://se.example.org:1094//${place.toLowerCase()}`;

/** Replicas a second that are asked for. */
const TARGET = 300;

/** A server that takes connections and says nothing. */
function silent() {
  const server = createServer(() => undefined);
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function freePort() {
  const server = await silent();
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Requests as plain as can be. */
class Rest {
  #headers = {};

  constructor(url) {
    this.url = url;
  }

  async login() {
    const headers = { 'x-rucio-account': 'root', 'x-rucio-username': 'shifter', 'x-rucio-password': PASSWORD };
    const reply = await fetch(`${this.url}/auth/userpass`, { headers });
    const token = reply.headers.get('x-rucio-auth-token');
    // The server closes a connection that rests, which a request on it would meet.
    this.#headers = { 'x-rucio-auth-token': token, 'content-type': 'application/json', connection: 'close' };
  }

  async send(path, body, method = 'POST') {
    const text = body && JSON.stringify(body);
    const reply = await fetch(`${this.url}${path}`, { method, headers: this.#headers, body: text });
    const said = await reply.text();
    if (reply.status >= 300) throw new Error(`${method} ${path}: ${reply.status} ${said}`);
  }
}

/** A fresh server with two RSEs and two scopes; `down` ends it. */
async function withRucio(use) {
  const folder = mkdtempSync(join(tmpdir(), 'dflow-bench-rucio-'));
  const port = String(await freePort());
  const down = () => ran('bash', [join(systems, 'rucio-down.sh'), folder]);
  ran('bash', [join(systems, 'rucio-up.sh'), folder, port]);
  try {
    const rest = new Rest(`http://127.0.0.1:${port}`);
    await rest.login();
    const all = { read: 1, write: 1, delete: 1 };
    const domains = { lan: all, wan: { ...all, third_party_copy_read: 1, third_party_copy_write: 1 } };
    const server = { hostname: 'se.example.org', port: 1094, impl: 'rucio.rse.protocols.xrootd.Default', domains };
    for (const place of Object.values(PLACES)) {
      await rest.send(`/rses/${place}`, { deterministic: false });
      await rest.send(`/rses/${place}/protocols/root`, { ...server, prefix: `/${place.toLowerCase()}` });
      await rest.send(`/accounts/root/limits/local/${place}`, { bytes: -1 });
    }
    for (const scope of ['dflow', 'plain']) await rest.send(`/accounts/root/scopes/${scope}`);
    return await use(rest, down);
  } finally {
    down();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What sync makes, with nothing compared: replicas, 500 a call; then datasets with their files, closed, with rules. */
async function plainly(rest, salt, count, subruns) {
  const names = Array.from({ length: count }, (_, at) => `plain-${salt}-${at}`);
  const replicas = await timed(async () => {
    for (const place of Object.values(PLACES))
      for (let at = 0; at < count; at += 500) {
        const files = names.slice(at, at + 500).map((name) => ({
          ...{ scope: 'plain', name, bytes: 1000, adler32: '0a1b2c3d', pfn: `${prefixOf(place)}/${name}` },
          meta: { guid: Buffer.from(name).toString('hex').padStart(32, '0').slice(-32) },
        }));
        await rest.send('/replicas', { rse: place, ignore_availability: true, files });
      }
  });
  const sets = Array.from({ length: Math.ceil(count / subruns) }, (_, at) => {
    const files = names.slice(at * subruns, (at + 1) * subruns);
    return { scope: 'plain', name: `set-${salt}-${at}`, files: files.map((name) => ({ scope: 'plain', name })) };
  });
  const bare = sets.map(({ scope, name }) => ({ scope, name }));
  const others = await timed(async () => {
    const made = bare.map((set) => ({ ...set, type: 'DATASET', meta: { run_number: 1 } }));
    await rest.send('/dids', made);
    for (let at = 0; at < sets.length; at += 50) {
      const attachments = sets.slice(at, at + 50).map(({ files, ...set }) => ({ ...set, dids: files }));
      await rest.send('/dids/attachments', { ignore_duplicate: true, attachments });
    }
    for (const { name } of sets) await rest.send(`/dids/plain/${name}/status`, { open: false }, 'PUT');
    const rule = { account: 'root', copies: 1, grouping: 'DATASET' };
    for (const place of Object.values(PLACES))
      for (let at = 0; at < bare.length; at += 50)
        await rest.send('/rules/', { ...rule, dids: bare.slice(at, at + 50), rse_expression: place });
  });
  return { replicas, whole: replicas + others };
}

const STORAGE = ['storage: {one: ./one, two: ./two}', 'copies: {raw: 2}', 'runs: {quiet: 0s}'];

function catalogue(url) {
  const rses = Object.entries(PLACES).map(([name, place]) => `${name}: {name: ${place}, url: '${prefixOf(place)}'}`);
  const about = `url: '${url}', account: root, auth: {user: shifter}, scope: dflow, timeout: 2 min`;
  return `catalogue: {${about}, rses: {${rses.join(', ')}}}`;
}

function environment(folder, url) {
  const path = join(folder, 'credentials.yaml');
  writeFileSync(path, `${new URL(url).host}: {user: shifter, password: ${PASSWORD}}\n`, { mode: 0o600 });
  return { ...process.env, DFLOW_CREDENTIALS: path };
}

/** `transfer` of the files to both elements, with Rucio at this address. */
function transferWith({ folder, ...files }, url) {
  for (const name of Object.keys(PLACES)) {
    rmSync(join(folder, name), { recursive: true, force: true });
    mkdirSync(join(folder, name));
  }
  return transferred({ folder, ...files }, [...STORAGE, catalogue(url)], environment(folder, url), COPIES);
}

/** Interleaved, so that what else the machine does meets all. */
async function round({ count, subruns, salt, deaf, times }) {
  const files = source(count, 1000, subruns);
  const note = async (name, work) => times[name].push(await work);
  try {
    await withRucio(async (rest, down) => {
      await note('silent', transferWith(files, deaf));
      await note('there', transferWith(files, rest.url));
      const before = await plainly(rest, `${salt}a`, count, subruns);
      const env = environment(files.folder, rest.url);
      times.sync.push(dflow(files.folder, ['catalogue', 'sync', '--quiet'], { env }));
      const after = await plainly(rest, `${salt}b`, count, subruns);
      for (const { replicas, whole } of [before, after]) {
        times.replicas.push(replicas);
        times.whole.push(whole);
      }
      const said = asked(files.folder, ['verify', '--catalogue', '--json'], { env });
      if (!said.includes(`${count} files compared, 0 differences`)) throw new Error(said);
      down();
      await note('refusing', transferWith(files, rest.url));
    });
  } finally {
    rmSync(files.folder, { recursive: true, force: true });
  }
}

export default {
  about: 'catalogue sync to a real Rucio against plain REST, and transfers while Rucio is down',
  options: {
    files: { fallback: '2000', about: 'how many files, each with two copies' },
    subruns: { fallback: '10', about: 'files of each run, and of each dataset' },
    rounds: { fallback: '3', about: 'rounds; the median counts' },
  },
  async *run({ files, subruns, rounds }) {
    const count = Number(files);
    ran('bash', [join(systems, 'rucio-install.sh')]);
    const server = await silent();
    const times = { silent: [], there: [], refusing: [], sync: [], replicas: [], whole: [] };
    const deaf = `http://127.0.0.1:${server.address().port}`;
    try {
      for (let salt = 0; salt < Number(rounds); salt++)
        await round({ count, subruns: Number(subruns), salt, deaf, times });
    } finally {
      server.close();
    }
    const all = COPIES * count;
    const rate = (seconds) => `${(all / seconds).toFixed(0)} replicas/s`;
    const [sync, replicas, whole] = [times.sync, times.replicas, times.whole].map(median);
    yield {
      what: `catalogue sync of ${all} replicas, ${subruns} files a dataset`,
      value: sync,
      also: `${rate(sync)}, each compared first`,
      yardstick: { name: `plain REST (${rate(whole)}; without datasets ${rate(replicas)})`, value: whole },
      target: { under: all / TARGET },
    };
    const there = { name: 'Rucio there', value: median(times.there) };
    for (const [what, own] of [
      ['Rucio refuses connections', times.refusing],
      ['Rucio takes connections and is silent', times.silent],
    ])
      yield {
        what: `transfer of ${count} files to two elements, ${what}`,
        value: median(own),
        yardstick: there,
        target: { atLeast: 0.8 },
      };
  },
};
