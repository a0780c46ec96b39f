// A small experiment of real folders, store and configuration in which something stands still: its documents are put as
// a step, or an accident, would leave them, and commands run in this process.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Config } from '@oclif/core';
import { load } from '../../src/lib/cli/config/load.ts';
import { hostOf, type OpenPorts, openPorts } from '../../src/lib/cli/ports.ts';
import type { Doc } from '../../src/lib/domain/doc.ts';
import { jobId } from '../../src/lib/domain/ids.ts';
import type { JobDoc, Subjob } from '../../src/lib/domain/jobs/job.ts';
import { passState } from '../../src/lib/domain/jobs/states.ts';
import { beat } from '../../src/lib/flow/farms/beat.ts';
import { enqueue } from '../../src/lib/flow/steps/enqueue/enqueue.ts';
import { transfer } from '../../src/lib/flow/steps/transfer/transfer.ts';
import { iso } from '../../src/lib/util/time.ts';
import { collect, type TestPorts } from './ports.ts';
import { completeRun } from './stored.ts';

const root = resolve(import.meta.dirname, '..', '..');

const CONFIG = `experiment: test
buffer: {path: ./buffer/L1, pattern: 'SNOP_{run:10}_{subrun:3}.zdab', settle: 1s}
storage: {a: ./se/a, b: ./se/b}
runs: {quiet: 10s}
`;
const BASE = {
  copies: 'copies: {raw: 2, purgeAfter: 1}',
  farms: 'farms: {here: {backend: local, slots: 2}}',
  automatic: "automatic: {version: '1.0'}",
};

export type Lines = Partial<Record<keyof typeof BASE | 'more', string>>;

export const MODULES = `modules:
  Count: {run: 'wc -c "$@" > "$OUT_n"', outputs: {n: n.txt}}
  Plot: {needs: Count, run: 'cat "$@" > "$OUT_p"', outputs: {p: p.txt}}
runTypes: {any: [Count]}
`;

export interface World extends TestPorts {
  /** Puts a document over whatever there is under its id. */
  put(doc: Record<string, unknown> & { _id: string; kind: string }): Promise<void>;
  /** Writes the configuration anew and reads it. */
  configure(lines: Lines): Promise<World>;
  write(name: string, text: string): void;
  /** Milliseconds ago, as the store's time. */
  ago(milliseconds: number): string;
}

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

/** The experiment: one run that is complete, copied everywhere, its pass made; every step ran just now and was well. */
export async function standingWorld(lines: Lines, parts: { run?: boolean; loops?: boolean; farm?: boolean } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'dflow-standing-'));
  for (const name of ['buffer/L1', 'se/a', 'se/b', 'modules']) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'modules', '1.0.yaml'), MODULES);
  writeConfig(folder, lines);
  const world = await openWorld(folder, 'setup');
  await world.store.setup('test');
  if (parts.run !== false) {
    await completeRun(world, 1, 1);
    await collect(transfer(world));
    await collect(enqueue(world));
  }
  const steps = ['register', 'transfer', 'enqueue', 'submit', 'monitor', 'reset'];
  if (parts.loops !== false) for (const step of steps) await beat(world, step, 'ok');
  if (parts.farm !== false) await world.put(farmDoc(world, world.ago(0)));
  return world;
}

function writeConfig(folder: string, { more, ...lines }: Lines): void {
  const text = [CONFIG, ...Object.values({ ...BASE, ...lines }), more ?? ''].join('\n');
  writeFileSync(join(folder, 'dflow.yaml'), `${text}\n`);
}

async function openWorld(folder: string, write: true | 'setup'): Promise<World> {
  const { settings } = await load({ cwd: folder, env: {}, host: hostOf() });
  const ports: OpenPorts = await openPorts(settings, { write, command: 'test' });
  const world: World = {
    ...ports,
    folder,
    close: () => ports.close(),
    remove: async () => {
      await ports.close();
      rmSync(folder, { recursive: true, force: true });
    },
    put: async (doc) => {
      const next = { v: 1, ...doc } as unknown as Doc;
      await ports.store.update(doc._id, (old) => ({ write: old?._rev ? { ...next, _rev: old._rev } : next }));
    },
    configure: async (lines) => {
      await ports.close();
      writeConfig(folder, lines);
      return openWorld(folder, true);
    },
    write: (name, text) => writeFileSync(join(folder, name), text, { mode: 0o755 }),
    ago: (milliseconds) => iso(Date.now() - milliseconds),
  };
  return world;
}

export function farmDoc({ host }: World, heartbeat: string) {
  const identity = { cluster: '', user: '' };
  return {
    _id: 'farm:here',
    kind: 'farm',
    site: 'here',
    backend: 'local',
    epoch: 1,
    identity,
    heartbeat,
    host,
    slots: 2,
  };
}

/** Changes the one subjob of a pass of run 1. */
export async function setSubjob(world: World, state: Subjob['state'], more: Partial<Subjob> = {}, module = 'Count') {
  const id = jobId(1, module, 1);
  await world.store.update<JobDoc>(id, (job) => {
    const subjobs = job!.subjobs.map((subjob) => ({ ...subjob, ...more, state }));
    return { write: { ...job!, subjobs, state: passState(subjobs.map((one) => one.state)), since: state.since } };
  });
}

/** A second module's pass of run 1, like that of Count. */
export async function addPass(world: World, module: string, more: Partial<JobDoc>): Promise<void> {
  const count = (await world.store.get<JobDoc>([jobId(1, 'Count', 1)])).get(jobId(1, 'Count', 1))!;
  const { _rev: _, ops: _ops, ...rest } = count as JobDoc & { ops?: unknown };
  await world.put({ ...rest, _id: jobId(1, module, 1), module, ...more } as never);
}

interface CommandClass {
  run(argv: string[], config: Config): Promise<unknown>;
  readonly args: object;
  readonly flags: object;
  readonly baseFlags: object;
  readonly strict: boolean;
}

/** The command of the words, and what is left of them. */
async function commandOf(words: readonly string[]): Promise<{ command: CommandClass; argv: string[] }> {
  const [first = '', second = ''] = words;
  const two = await import(`../../src/commands/${first}/${second}.ts`)
    .catch(() => import(`../../src/commands/${first}/${second}/index.ts`))
    .catch(() => undefined);
  const found =
    two ?? (await import(`../../src/commands/${first}.ts`).catch(() => import(`../../src/commands/${first}/index.ts`)));
  return { command: found.default as CommandClass, argv: words.slice(two ? 2 : 1) as string[] };
}

export interface Ran {
  readonly out: string;
  readonly code: number;
}

let config: Config | undefined;

/** Runs a command in this process on the world's configuration. */
export async function runIn(world: World, words: readonly string[]): Promise<Ran> {
  config ??= await Config.load({ root });
  const { command, argv } = await commandOf(words);
  const chunks: string[] = [];
  const real = process.stdout.write;
  process.stdout.write = ((chunk: string | Uint8Array) => {
    chunks.push(String(chunk));
    return true;
  }) as typeof process.stdout.write;
  try {
    await command.run([...argv, '--config', join(world.folder, 'dflow.yaml')], config);
    return { out: chunks.join(''), code: Number(process.exitCode ?? 0) };
  } finally {
    process.stdout.write = real;
    process.exitCode = 0;
  }
}
