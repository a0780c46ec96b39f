// What reads text from outside, each with its samples. `run` may throw our own errors; anything else is a crash.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend } from '../../../src/lib/backend.ts';
import { judge } from '../../../src/lib/backends/ganga/judge.ts';
import { answerOf, type Questions } from '../../../src/lib/backends/ganga/protocol.ts';
import * as condor from '../../../src/lib/backends/htcondor/parse.ts';
import { parseMark } from '../../../src/lib/backends/shared/folder/jobfolder.ts';
import * as slurmText from '../../../src/lib/backends/slurm/parse.ts';
import { failureLines } from '../../../src/lib/cli/arguments/failures.ts';
import { load } from '../../../src/lib/cli/config/load.ts';
import { contentHash, parseRatdb, readExactJson } from '../../../src/lib/domain/formats/ratdb.ts';
import { exactJson, roundedFields } from '../../../src/lib/domain/formats/ratdbvalues.ts';
import { events, parseRunHeader } from '../../../src/lib/domain/formats/zdab.ts';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import { parseLine, parseRef, parseRuns } from '../../../src/lib/domain/selection.ts';
import type { Ports } from '../../../src/lib/flow/ports.ts';
import { verdictRow } from '../../../src/lib/flow/reports/policy.ts';
import { importStore } from '../../../src/lib/flow/steps/archive/archive.ts';
import { applyObservations, parseObservation } from '../../../src/lib/flow/steps/monitor/monitor.ts';
import * as xrootd from '../../../src/lib/protocols/xrootd/meaning.ts';
import { parseRecord, renderRecord } from '../../../src/lib/wrapper/record.ts';
import { farm, job, module, T0 } from '../docs.ts';
import { collect, makePorts, type TestPorts } from '../ports.ts';
import * as samples from './samples.ts';

export interface Target {
  readonly samples: readonly Buffer[];
  /** Makes what inputs are tried on. */
  open(): Promise<Opened>;
}

export interface Opened {
  run(input: Buffer): unknown;
  close?(): Promise<void> | void;
}

const pure = (all: readonly Buffer[], run: (input: Buffer) => unknown): Target => ({
  samples: all,
  open: async () => ({ run }),
});

function readTables(input: Buffer): void {
  for (const { fields, latin1, big } of parseRatdb(input)) {
    const hash = contentHash(fields, latin1);
    JSON.stringify(roundedFields(fields));
    // What goes into the store comes back as it was.
    if (big && contentHash(readExactJson(exactJson(fields)), latin1) !== hash) throw new Error('digits were lost');
  }
}

/** A folder with a configuration and a module file, one of which is the input. */
function configured(all: readonly Buffer[], file: string): Target {
  const open = async (): Promise<Opened> => {
    const folder = mkdtempSync(join(tmpdir(), 'dflow-fuzz-'));
    mkdirSync(join(folder, 'modules'));
    writeFileSync(join(folder, 'dflow.yaml'), "buffer: {path: ./raw, pattern: 'r{run}.dat'}\nstorage: {disk: ./s}\n");
    writeFileSync(join(folder, 'modules/1.0.yaml'), samples.modules[0]!);
    writeFileSync(join(folder, 'ana.mac'), samples.macro[0]!);
    const run = async (input: Buffer): Promise<void> => {
      writeFileSync(join(folder, file), input);
      await load({ cwd: folder, flag: join(folder, 'dflow.yaml'), env: { HOME: '/' }, host: 'here' });
    };
    return { run, close: () => rmSync(folder, { recursive: true, force: true }) };
  };
  return { samples: all, open };
}

/** A store with one running job, and a batch system that takes every answer. */
async function running(): Promise<{ base: TestPorts; ports: Ports; reset: () => Promise<void> }> {
  const base = await makePorts({ storages: ['disk'] });
  const backend = {
    identity: async () => ({ cluster: 'c', user: 'u' }),
    acknowledge: async () => {},
    cancel: async () => {},
    logs: async () => new Map(),
  } as Partial<Backend> as Backend;
  const settings = { ...base.settings, farms: [farm('here')], farm: 'here' };
  const made = job({ module: module('Fit', { level: 'run', outputs: { ratdb: 'fit.ratdb' } }) });
  const lock = { site: 'here', epoch: 1, claim: 'abc', index: 0 };
  const state = { name: 'running', since: T0, lock, backendId: '1' } as const;
  const doc: JobDoc = { ...made, subjobs: [{ ...made.subjobs[0]!, state }], state: 'running' };
  const reset = async (): Promise<void> => {
    await base.store.update<JobDoc>(doc._id, () => ({ write: doc }));
  };
  return { base, ports: { ...base, settings, backend: async () => backend }, reset };
}

const observed: Target = {
  samples: samples.observations,
  open: async () => {
    const { base, ports, reset } = await running();
    const run = async (input: Buffer): Promise<void> => {
      await reset();
      const seen = input
        .toString()
        .split('\n')
        .filter((line) => line.trim() !== '')
        .map((line, index) => parseObservation(line, index));
      await collect(applyObservations(ports, seen));
    };
    return { run, close: () => base.remove() };
  },
};

/** Every document of a store as `store export` writes them. */
function documentLines(): Buffer[] {
  const docs = [
    job({ module: module('Fit') }),
    { _id: 'run:0000000012', kind: 'run', v: 1, run: 12, levels: { L1: { files: 1 } }, mask: 4 },
    { _id: 'hold:all', kind: 'hold', v: 1, why: 'x', by: 'me', at: T0, until: T0 },
    {
      _id: 'tablebody:1f',
      kind: 'tablebody',
      v: 1,
      name: 'G',
      fields: { x: [1, 2] },
      exact: '{"x":1234567890123456789}',
    },
  ];
  return [Buffer.from(docs.map((doc) => JSON.stringify(doc)).join('\n'))];
}

const imported: Target = {
  samples: documentLines(),
  open: async () => {
    const { base } = await running();
    let count = 0;
    const run = async (input: Buffer): Promise<void> => {
      const lines = input.toString().split('\n');
      const source = async function* () {
        yield* lines;
      };
      await collect(importStore(base.store, source(), { dryRun: count++ % 8 !== 0 }));
    };
    return { run, close: () => base.remove() };
  },
};

const policy: Target = {
  samples: samples.failures,
  open: async () => {
    const base = await makePorts({ storages: ['disk'] });
    mkdirSync(join(base.folder, 'modules'));
    writeFileSync(join(base.folder, 'modules/1.0.yaml'), samples.modules[0]!);
    writeFileSync(join(base.folder, 'ana.mac'), samples.macro[0]!);
    writeFileSync(
      join(base.folder, 'dflow.yaml'),
      "buffer: {path: ./raw, pattern: 'r{run}.dat'}\nstorage: {disk: ./s}\n",
    );
    const { settings } = await load({ cwd: base.folder, env: {}, host: 'here' });
    const file = join(base.folder, 'failures');
    const run = async (input: Buffer): Promise<void> => {
      writeFileSync(file, input);
      for (const line of await failureLines(file)) verdictRow(settings, line);
    };
    return { run, close: () => base.remove() };
  },
};

function readRefs(input: Buffer): void {
  for (const line of input.toString().split('\n')) for (const read of [parseLine, parseRef, parseRuns]) read(line);
}

function readSlurm(input: Buffer): void {
  const text = input.toString();
  const { parseExits, parseJobcomp, parseSacct, parseSbatch, parseSqueue, parseConfig } = slurmText;
  for (const read of [parseSbatch, parseExits, parseJobcomp, slurmText.refusalOf, slurmText.lastWords]) read(text);
  for (const read of [parseSqueue, parseSacct]) read(text, 'dflow-');
  parseConfig(text);
}

function readCondor(input: Buffer): void {
  const text = input.toString();
  for (const read of [condor.parseSchedd, condor.parseUser, condor.parseLimits, condor.refusalOf]) read(text);
  for (const read of [condor.parseQueue, condor.parseHistory]) for (const row of read(text).values()) check(row);
}

/** What the types promise. */
function check({ key, id, state, raw = '' }: condor.Row): void {
  if ([key, id, state, raw].some((word) => typeof word !== 'string')) throw new Error('a field is not text');
}

const GANGA = ['hello', 'submit', 'status', 'kill', 'tidy'] as const satisfies readonly (keyof Questions)[];

function readGanga(input: Buffer): void {
  const text = input.toString();
  for (const name of GANGA) {
    const { answer } = answerOf(name, text);
    if (!answer || !('jobs' in answer) || typeof answer.jobs !== 'object') continue;
    for (const word of Object.values(answer.jobs)) judge(LOOK, word, { beat: 1, dead: 2 });
  }
}

const LOOK = { open: true, record: false, ticket: 1 };

function readRecords(input: Buffer): void {
  const text = input.toString();
  parseMark(text);
  parseRecord(renderRecord(parseRecord(text)));
}

function readTools(input: Buffer): void {
  const text = input.toString();
  for (const read of [xrootd.meaningOf, xrootd.errorIn, xrootd.parseStat, xrootd.parseLine]) read(text);
  for (const type of ['adler32', 'md5'] as const) xrootd.parseChecksum(text, type);
}

/** Our own errors by their names: classes that read formats know nothing of exit codes. */
export function isOurs(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return OURS.has(error.name);
}

const OURS = new Set([
  ...['UsageError', 'ConfigError', 'ReadOnlyStoreError', 'StoreError', 'CredentialsError', 'UnreachableError'],
  ...['BusyError', 'ItemError', 'BusyItemError', 'RatdbError', 'ZdabError'],
]);

/** Shows that crashes and hangs are seen; only by name. */
const broken: Target = {
  samples: [Buffer.from('x')],
  open: async () => {
    let count = 0;
    const run = (): void => {
      count++;
      if (count % 10 === 3) throw new TypeError('as it must');
      while (count === 16);
    };
    return { run };
  },
};

/** Only by name: it must be seen to fail. */
export const HIDDEN: Readonly<Record<string, Target>> = { broken };

export const TARGETS: Readonly<Record<string, Target>> = {
  zdab: pure(samples.zdab, (input) => {
    parseRunHeader(input.subarray(0, 65_536));
    return [...events(input)];
  }),
  ratdb: pure(samples.ratdb, readTables),
  config: configured(samples.config, 'dflow.yaml'),
  modules: configured(samples.modules, 'modules/1.0.yaml'),
  macro: configured(samples.macro, 'ana.mac'),
  refs: pure(samples.refs, readRefs),
  failures: policy,
  observations: observed,
  slurm: pure(samples.slurm, readSlurm),
  htcondor: pure(samples.htcondor, readCondor),
  ganga: pure(samples.ganga, readGanga),
  records: pure(samples.records, readRecords),
  tools: pure(samples.tools, readTools),
  import: imported,
};
