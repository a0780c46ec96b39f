// Rucio killed over and over while files are registered: nothing is lost, nothing is registered twice, nothing is wrong.
// It takes half a minute for its restarts. In full: DFLOW_RUCIO_KILLS=20 DFLOW_RUCIO_FILES=2000.
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DataDoc } from '../../src/lib/domain/data/data.ts';
import { dataId, runPad } from '../../src/lib/domain/ids.ts';
import { views } from '../../src/lib/views/index.ts';
import { adler32 } from '../contracts/storage.ts';
import { dflow, lines } from '../support/cli.ts';
import { random } from '../support/random.ts';
import { RucioExperiment, STORAGES, tally } from './rucio-experiment.ts';
import { Gate, Rucio } from './rucio-world.ts';

const KILLS = Number(process.env.DFLOW_RUCIO_KILLS ?? 3);
const FILES = Number(process.env.DFLOW_RUCIO_FILES ?? 200);
const SUBRUNS = Math.max(10, FILES / 40);
const RUNS = FILES / SUBRUNS;
const FIRST = 5000;

let server: Rucio;
let gate: Gate;
let one: RucioExperiment;
beforeAll(async () => {
  server = await Rucio.start();
  gate = await Gate.start(server);
  one = await RucioExperiment.make(gate.url);
}, 300_000);
afterAll(async () => {
  await one?.remove();
  await gate?.close();
  server?.remove();
});

const pending = async (): Promise<number> =>
  (await one.ports.store.count(views.catalogue, 2)).reduce((sum, { value }) => sum + value, 0);

test(`killed ${KILLS} times while ${FILES} files with two copies each are registered`, async () => {
  await one.runs(FIRST, RUNS, SUBRUNS);
  // A kill comes at the so-many-th request of a life, while Rucio works on it.
  const next = random(FILES);
  const moments = Array.from({ length: KILLS }, () => ({ after: 1 + Math.floor(next() * 6), delay: next() * 400 }));
  const during: string[] = [];
  let seen = 0;
  let killing: Promise<void> | undefined;
  gate.guard = ({ method, url }) => {
    const [moment] = moments;
    if (!moment || killing || url.startsWith('/auth') || ++seen < moment.after) return undefined;
    moments.shift();
    killing = new Promise((resolve) =>
      setTimeout(() => {
        server.kill();
        during.push(`${method} ${url.replace(/\?.*/, '').replace(/r\d{10}/, 'rRUN')}`);
        resolve();
      }, moment.delay),
    );
    return undefined;
  };
  let calls = 0;
  for (; (await pending()) > 0 || moments.length > 0 || killing; calls++) {
    expect(calls).toBeLessThan(5 * KILLS + 10);
    // Kills go on after everything was told: some of it is told anew.
    if ((await pending()) === 0) await again(calls);
    const items = await one.sync();
    for (const { did, failed, text } of items) expect(failed !== true || did === 'unreachable', text).toBe(true);
    await killing;
    if (killing) await server.up();
    killing = undefined;
    seen = 0;
  }
  gate.guard = () => undefined;
  expect(during).toHaveLength(KILLS);

  // Nothing lost and nothing wrong: by Rucio's own words, and the sums of the bytes.
  const files = await server.files();
  expect(files.size).toBe(FILES);
  let copies = 0;
  for (let run = FIRST; run < FIRST + RUNS; run++) {
    for (const { name, guid, replicas } of (await one.doc<DataDoc>(dataId('L1', run))).files) {
      const there = files.get(name);
      expect(there?.states, name).toEqual({ SFU: 'AVAILABLE', FNAL: 'AVAILABLE' });
      for (const storage of STORAGES) {
        const { path } = replicas[storage] as { path: string };
        const bytes = one.read(storage, path);
        expect(there).toMatchObject({ bytes: bytes.length, adler32: adler32(bytes), guid: guid.replaceAll('-', '') });
        expect(there?.rses[storage.toUpperCase()]).toHaveLength(1);
        copies++;
      }
    }
  }
  expect(copies).toBe(2 * FILES);
  // Nothing twice: one dataset for each run with each file once, closed, and one rule at each RSE.
  const sets = (await server.rest('GET', '/dids/snoplus/dids/search?type=dataset&name=*')) as string[];
  expect(sets.sort()).toEqual(Array.from({ length: RUNS }, (_, at) => `L1.r${runPad(FIRST + at)}`));
  for (const set of sets) {
    const inside = (await server.rest('GET', `/dids/snoplus/${set}/dids`)) as { name: string }[];
    expect(new Set(inside.map(({ name }) => name)).size).toBe(SUBRUNS);
    expect(inside).toHaveLength(SUBRUNS);
    const rules = (await server.rest('GET', `/dids/snoplus/${set}/rules`)) as { rse_expression: string }[];
    expect(rules.map((rule) => rule.rse_expression).sort()).toEqual(['FNAL', 'SFU']);
    expect((await server.rest('GET', `/dids/snoplus/${set}/meta`))[0]).toMatchObject({ is_open: false });
  }
  expect(await pending()).toBe(0);
  console.log(
    `Rucio killed ${during.length} times in ${calls} calls of catalogue sync (during ${[...new Set(during)].join(', ')}): ` +
      `${files.size} files, ${copies} copies, ${sets.length} datasets, 0 missing, 0 twice, 0 wrong`,
  );
}, 1_800_000);

/** Some runs more, so that there is something to say while it is killed. */
async function again(salt: number): Promise<void> {
  await one.change<DataDoc>(dataId('L1', FIRST + (salt % RUNS)), (doc) => ({ ...doc, catalogue: {} }));
}

test('commands say the same: nothing to tell, nothing differs, every copy is registered', async () => {
  await one.open(server.url);
  const json = (...args: string[]): Record<string, unknown>[] => {
    const ran = dflow(one.folder, [...args, '--json']);
    expect(ran.code, ran.err).toBe(0);
    return lines(ran.out);
  };
  await one.runs(FIRST + RUNS, 1, 2);
  expect(tally(json('catalogue', 'sync') as never)).toEqual({ registered: 2, closed: 1, pinned: 2 });
  expect(json('catalogue', 'sync')).toEqual([]);
  expect(json('verify', '--catalogue')).toMatchObject([
    { did: 'checked', text: `${FILES + 2} files compared, 0 differences` },
  ]);
  const rows = json('list', 'replicas', '--catalogue');
  expect(rows).toHaveLength(2 * FILES + 4);
  expect(rows.filter(({ registered }) => registered !== 'yes')).toEqual([]);
}, 300_000);
