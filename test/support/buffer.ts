// A buffer folder in a temporary place with a store beside it and a clock that the test turns: everything that register
// needs, real but for the clock.

import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { machine } from '../../src/lib/cli/machine.ts';
import type { DataDoc } from '../../src/lib/domain/data/data.ts';
import type { Doc } from '../../src/lib/domain/doc.ts';
import { dataId, runId } from '../../src/lib/domain/ids.ts';
import type { QuarantineDoc, RunDoc } from '../../src/lib/domain/runs/run.ts';
import type { Settings } from '../../src/lib/domain/settings.ts';
import { writeLooks } from '../../src/lib/flow/copies/buffer/looks.ts';
import { dryPorts } from '../../src/lib/flow/dry.ts';
import type { Ports } from '../../src/lib/flow/ports.ts';
import { glance } from '../../src/lib/flow/steps/register/files/glance.ts';
import { type RegisterOptions, register } from '../../src/lib/flow/steps/register/register.ts';
import { open as openPosix } from '../../src/lib/protocols/posix/posix.ts';
import type { Storage } from '../../src/lib/storage.ts';
import { idsWith, type Store } from '../../src/lib/store.ts';
import { open as openSqlite } from '../../src/lib/stores/sqlite/sqlite.ts';
import { iso, MINUTE } from '../../src/lib/util/time.ts';
import { collect, type Seen } from './items.ts';
import { type Config, settingsIn } from './settings.ts';

export interface BenchOptions {
  /** Words of each buffer that differ. */
  readonly buffers?: readonly Partial<Extract<Config['buffer'], { path: unknown }>>[];
  readonly runs?: NonNullable<Config['runs']>;
  /** Stands between register and the folder. */
  readonly wrap?: (storage: Storage) => Storage;
}

export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'dflow-register-'));
  /** The store's clock, ms. */
  clock = Date.UTC(2026, 6, 14, 12);
  settings: Settings;
  #stores: Store[] = [];
  readonly #wrap: (storage: Storage) => Storage;
  #nonces = 0;

  constructor(options: BenchOptions = {}) {
    this.settings = settingsFor(this.folder, options);
    this.#wrap = options.wrap ?? ((storage) => storage);
    for (const buffer of this.settings.buffers) mkdirSync(buffer.path, { recursive: true });
  }

  /** Fresh ports: another process, as far as register can tell. */
  async ports(write: boolean | 'setup' = true): Promise<Ports> {
    const options = { write, now: () => this.clock };
    const store = await openSqlite(this.settings.store, options);
    if (write === 'setup') await store.setup(this.settings.experiment);
    this.#stores.push(store);
    const none = (): never => {
      throw new Error('register needs no such port');
    };
    return {
      ...machine,
      settings: this.settings,
      store,
      storage: none,
      backend: none,
      sleep: none,
      nonce: () => `n${++this.#nonces}`,
      by: 'register@test',
      host: 'test',
      buffer: async (level) => {
        const buffer = this.settings.buffers.find((candidate) => candidate.level === level);
        const url = buffer?.path ?? '';
        return this.#wrap(
          await openPosix({ name: level, protocol: 'posix', url, tape: false, template: '{name}', options: {} }),
        );
      },
    };
  }

  /** Writes a file, `age` ms old by the store's clock. */
  put(name: string | Buffer, content: string | Buffer, age = 5 * MINUTE, level = 0): void {
    const folder = this.settings.buffers[level]?.path ?? '';
    const path = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name)]);
    if (typeof name === 'string') mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(path, content);
    const at = new Date(this.clock - age);
    utimesSync(path, at, at);
  }

  remove(name: string, level = 0): void {
    rmSync(join(this.settings.buffers[level]?.path ?? '', name));
  }

  /** Registers files that this host has seen before as they lie now: most tests are not about settling. */
  async register(ports: Ports, options: RegisterOptions = {}): Promise<Seen[]> {
    await this.look(ports);
    return collect(register(ports, options));
  }

  /** Remembers looks at everything, ten minutes ago. */
  async look(ports: Ports): Promise<void> {
    const at = iso(this.clock - 10 * MINUTE);
    for (const buffer of this.settings.buffers) {
      const seen = await glance(dryPorts(ports), buffer).catch(() => undefined);
      const looks = [...(seen?.looks.keys() ?? [])].map((mark) => [mark, at] as const);
      if (seen) await writeLooks(ports, buffer.level, new Map(looks), seen.now);
    }
  }

  async close(): Promise<void> {
    for (const store of this.#stores) await store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const benches: Bench[] = [];

/** A buffer with ports of its own; `afterEach(closeBenches)` removes it. */
export async function start(options: BenchOptions = {}): Promise<{ bench: Bench; ports: Ports }> {
  const bench = new Bench(options);
  benches.push(bench);
  return { bench, ports: await bench.ports('setup') };
}

export async function closeBenches(): Promise<void> {
  for (const bench of benches.splice(0)) await bench.close();
}

export { collect } from './items.ts';

/** `did` of the items, counted. */
export function deeds(items: readonly Seen[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[item.did] = (counts[item.did] ?? 0) + 1;
  return counts;
}

export async function runDoc(ports: Ports, run: number): Promise<RunDoc | undefined> {
  return (await ports.store.get<RunDoc>([runId(run)])).get(runId(run));
}

export async function dataDoc(ports: Ports, run: number, level = 'L1'): Promise<DataDoc | undefined> {
  const id = dataId(level, run);
  return (await ports.store.get<DataDoc>([id])).get(id);
}

/** Writes down that every file of the run has a verified copy. */
export async function copied(ports: Ports, run: number): Promise<void> {
  const at = await ports.store.now();
  await ports.store.update<DataDoc>(dataId('L1', run), (doc) => {
    if (!doc) return { skip: 'no such run' };
    const replicas = { sfu: { state: 'verified', attempt: 1, path: 'x', since: at, checkedAt: at } as const };
    return { write: { ...doc, files: doc.files.map((file) => ({ ...file, replicas })) } };
  });
}

/** Reason by name. */
export async function quarantined(ports: Ports): Promise<Record<string, string>> {
  const docs = await ports.store.range<QuarantineDoc>(idsWith('quarantine:'));
  return Object.fromEntries(docs.map((doc) => [doc.name, doc.reason]));
}

/** Every document but the looks of the last round, without what differs between two stores with the same history. */
export async function everything(ports: Ports): Promise<Record<string, unknown>> {
  const docs = await ports.store.range<Doc>({ start: '', end: '\uffff' });
  const lasting = docs.filter(({ kind }) => kind !== 'looks');
  const said = JSON.stringify(lasting.map(({ _rev, ops, ...doc }) => withoutCtime(doc)));
  const same = JSON.parse(said.replace(/written \d{4}-[^,"]+/g, 'written then')) as Doc[];
  return Object.fromEntries(same.map((doc) => [doc._id, doc]));
}

function withoutCtime(doc: object): object {
  if (!('files' in doc) || !Array.isArray(doc.files)) return doc;
  return { ...doc, files: doc.files.map(({ changed, ...file }) => file) };
}

/** Settings of a host beside its buffer, without storage elements. */
function settingsFor(folder: string, { buffers = [{}], runs = {} }: BenchOptions): Settings {
  return settingsIn(folder, {
    experiment: 'test',
    store: `sqlite:${join(folder, 'dflow.db')}`,
    buffer: buffers.map((more) => ({ level: 'L1', path: 'raw', pattern: 'run{run}_{subrun}.dat', ...more })),
    storage: {},
    runs: { maxJump: 1000, last: 10_000_000, ...runs },
    farms: {},
  });
}

/** A buffer of raw files whose beginnings are read. */
export const ZDAB = { buffers: [{ format: 'zdab' as const, pattern: 'S_{run:10}_{subrun:3}.zdab' }] };

/** The smallest raw ZDAB file: one physical record with a run header. */
export function zdab(run: number, mask: number): Buffer {
  const words = new Uint32Array(3840);
  words.set([0x0123cdef, 0x80708070, 0x4321abcd, 0x80618061, 0xf00, 1, 8, 0]);
  const bank = 12;
  words[bank] = 0x52484452;
  words[bank + 3] = 17;
  words.set([20260714, 120000, 1, run, 0, 0, mask], bank + 5);
  const bytes = Buffer.alloc(words.length * 4);
  for (const [index, word] of words.entries()) bytes.writeUInt32BE(word, index * 4);
  return bytes;
}
