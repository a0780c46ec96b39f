// The demo's story on real systems: its experiment, its commands, its damaged file and missing table; jobs run by each
// batch system in turn, and every storage element is a folder of a real XRootD server. Nothing is mounted anywhere: what
// the batch system's workers read and write goes through xrdcp, and at HTCondor the jobs themselves travel, too.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { makeExperiment } from '../../src/lib/cli/demo/experiment.ts';
import { STORY, tell } from '../../src/lib/cli/demo/story.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import { BIN, lines, must } from '../support/cli.ts';
import { adler32, completeRuns, expectedPasses, rawFiles } from '../support/demo.ts';
import { documents, filesBelow } from '../support/picture.ts';
import { use as useCondor } from './condor-world.ts';
import { GANGA, removeLock } from './ganga-world.ts';
import { A, B, freshFolder, removeFolders, rootUrl, up as upServer } from './servers.ts';
import { confOf } from './slurm-world.ts';

interface Farm {
  readonly name: string;
  /** YAML of the farm. */
  readonly farm: string;
  /** Before the story: whom commands of this process talk to. */
  prepare(): void;
  /** What the damaged file's job says of the folder it worked in. */
  readonly scratch?: RegExp;
  /** The system's own words about its version. */
  version(): string;
}

const said = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).split('\n')[0]!;

const useSlurm = (): void => {
  process.env.SLURM_CONF = confOf('test');
};

const FARMS: readonly Farm[] = [
  {
    name: 'Slurm',
    farm: '{backend: slurm, slots: 100}',
    prepare: useSlurm,
    version: () => said('sinfo', '--version'),
  },
  {
    name: 'HTCondor without a shared folder',
    farm: '{backend: htcondor, slots: 100, options: {transfer: true}}',
    prepare: useCondor,
    scratch: /: \/var\/lib\/pool\/execute\/dir_\d+\/\S+: offset \d+/,
    version: () => said('condor_version'),
  },
  {
    name: 'Ganga, Local',
    farm: `{backend: ganga, slots: 4, pending: 0, options: {ganga: ${GANGA}}}`,
    prepare: () => undefined,
    version: () => `Ganga ${said(GANGA, '--version')}`,
  },
  {
    name: 'Ganga, Slurm behind it',
    farm: `{backend: ganga, slots: 100, options: {ganga: ${GANGA}, via: Slurm, viaOptions: {queue: main}, settings: ['[Slurm]heartbeat_frequency=0.5']}}`,
    prepare: useSlurm,
    version: () => `Ganga ${said(GANGA, '--version')}, ${said('sinfo', '--version')}`,
  },
];

/** Storage elements of the demo, and where each is now. */
interface Element {
  readonly url: string;
  /** Its folder on this machine. */
  readonly data: string;
}

let home: string | undefined;
afterEach(() => {
  if (!home) return;
  removeLock(join(home, '.dflow/laptop'));
  rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
});
afterAll(async () => {
  for (const server of [A, B]) await removeFolders(server);
});

/** The demo's experiment with another farm and other storage elements. */
function experiment(folder: string, farm: string): Map<string, Element> {
  makeExperiment(folder, { seed: 1 });
  // Pools run as other users, and Ganga's folder must not be inside one that they cannot enter.
  chmodSync(folder, 0o777);
  const elements = new Map<string, Element>();
  const path = join(folder, 'dflow.yaml');
  let text = readFileSync(path, 'utf8');
  for (const [name, server] of Object.entries({ sfu: A, fnal: B, ral: B })) {
    const at = freshFolder(server);
    elements.set(name, { url: rootUrl(server, at), data: join(server.data, at) });
    const changed = text.replace(
      `${name}: ./storage/${name}`,
      `${name}: {protocol: xrootd, url: '${rootUrl(server, at)}'}`,
    );
    expect(changed).not.toBe(text);
    text = changed;
  }
  const changed = text.replace('laptop: {backend: local}', `laptop: ${farm}`);
  expect(changed).not.toBe(text);
  // The laptop's queue is empty at once; here a job that was seen to be gone is looked for again after a second.
  writeFileSync(path, `${changed}limits: {grace: 1s}\n`);
  rmSync(join(folder, 'storage'), { recursive: true });
  return elements;
}

describe.each(FARMS.map((one) => [one.name, one] as const))('%s', (_, one) => {
  test('the demo from raw files to catalogued outputs, all of them at XRootD', async () => {
    one.prepare();
    for (const server of [A, B]) upServer(server);
    home = mkdtempSync(join(tmpdir(), 'dflow-chain-'));
    chmodSync(home, 0o777);
    const folder = home;
    const elements = experiment(folder, one.farm);
    // What others can write is not run: jobs of other users write below .dflow, which is made later.
    execFileSync('chmod', ['-R', 'go-w', folder]);
    const told: string[] = [];
    const print = (line: string): void => void told.push(line);
    const began = Date.now();
    try {
      await tell(STORY, { folder, program: BIN, colour: false, columns: 200, print });
    } catch (error) {
      console.log(told.slice(-60).join('\n'));
      throw error;
    }
    const seconds = ((Date.now() - began) / 1_000).toFixed(0);

    const jobs = documents(folder).filter((doc) => doc.kind === 'job') as unknown as JobDoc[];
    const raws = rawFiles(folder);
    expect(passes(folder, jobs)).toEqual(expectedPasses(folder, raws));
    const all = jobs.flatMap(({ subjobs }) => subjobs);
    const failures = all.flatMap(({ state }) => (state.name === 'failed' ? [state.failure] : []));
    expect(failures).toMatchObject([{ cause: 'damaged-file', exit: 2 }]);
    if (one.scratch) expect(failures[0]!.reason).toMatch(one.scratch);
    expect(all.every((subjob) => subjob.attempt <= 1)).toBe(true);

    const outputs = checkOutputs(jobs, elements);
    const decodable = [...completeRuns(raws)].flatMap(([run, files]) =>
      `${run}/Processing` in expectedPasses(folder, raws) ? files.filter((raw) => raw.events) : [],
    );
    expect(outputs).toBe(decodable.length + 2 * 13);
    // What is at the server is what is catalogued, and the raw files: no part, nothing of anybody else.
    const raw = raws.filter((file) => file.closed && file.run < 1_000_000).length;
    expect([...elements.values()].map(({ data }) => filesBelow(data).length)).toEqual([raw + outputs, raw, raw]);
    checkRecords(folder, outputs);

    const status = told.slice(told.findIndex((line) => line.startsWith('snoplus-demo ')));
    const xrootd = spawnSync('xrootd', ['-v'], { encoding: 'utf8' });
    const summary = status.filter((line) => /^(JOBS|Analysis40|Processing|FARMS|sfu|fnal|ral) /.test(line));
    const versions = `${one.version()}; XRootD ${(xrootd.stdout + xrootd.stderr).trim()}`;
    console.log([`${one.name}: ${versions}`, `the story took ${seconds} s`, ...summary].join('\n'));
  }, 240_000);
});

/** State of each pass as a person is told it: `run/module` -> state. */
function passes(folder: string, jobs: readonly JobDoc[]): Record<string, string> {
  const listed = lines(must(folder, ['list', 'jobs', '--state', 'unsatisfied', '--json']));
  const unsatisfied = new Set(listed.map((row) => row.ref));
  expect(jobs.every((job) => job.pass === 1)).toBe(true);
  const states = jobs.map((job) => [
    `${job.run}/${job.module}`,
    unsatisfied.has(`${job.run}/${job.module}/1`) ? 'unsatisfied' : job.state,
  ]);
  return Object.fromEntries(states);
}

/** Each catalogued output lies at its server, with the bytes of its checksum, which the server says, too. Their number. */
function checkOutputs(jobs: readonly JobDoc[], elements: ReadonlyMap<string, Element>): number {
  const outputs = jobs.flatMap(({ subjobs }) =>
    subjobs.flatMap(({ state }) => (state.name === 'completed' ? state.outputs : [])),
  );
  for (const output of outputs) {
    expect(output.storage).toBe('sfu');
    const { data } = elements.get(output.storage)!;
    const bytes = readFileSync(join(data, output.path));
    expect(adler32(bytes), output.name).toBe(output.adler32);
    expect(bytes.length, output.name).toBe(output.size);
  }
  const [first] = outputs;
  const { url } = elements.get('sfu')!;
  const answer = spawnSync('xrdadler32', [`${url}/${first!.path}`], { encoding: 'utf8' });
  expect(answer.stdout.split(' ')[0], answer.stderr).toBe(first!.adler32);
  return outputs.length;
}

/** The wrappers' own words: they uploaded (adler32, by the element's tool), and copied to no mounted folder (md5). */
function checkRecords(folder: string, outputs: number): void {
  const path = join(folder, '.dflow/laptop/result/cur');
  const records = readdirSync(path).map((name) => readFileSync(join(path, name), 'utf8'));
  const uploads = records.flatMap((text) => text.split('\n').filter((line) => line.startsWith('output ')));
  expect(uploads.length).toBe(outputs);
  for (const line of uploads) expect(line).toMatch(/^output \S+ \S+ sfu \d+ adler32:[0-9a-f]{8} /);
}
