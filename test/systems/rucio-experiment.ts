// An experiment whose files lie at two storage elements that a Rucio server knows: real bytes, a SQLite store, documents as
// transfer and monitor leave them.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { load } from '../../src/lib/cli/config/load.ts';
import { hostOf, type OpenPorts, openPorts } from '../../src/lib/cli/ports.ts';
import type { DataDoc, RawFile } from '../../src/lib/domain/data/data.ts';
import { guidOf, outputLfn, rawLfn } from '../../src/lib/domain/data/identity.ts';
import type { Doc } from '../../src/lib/domain/doc.ts';
import { dataId, jobId, pad, runId, runPad } from '../../src/lib/domain/ids.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import type { RunDoc } from '../../src/lib/domain/runs/run.ts';
import type { Item, Step } from '../../src/lib/flow/ports.ts';
import { verifyCatalogue } from '../../src/lib/flow/steps/catalogue/against.ts';
import { catalogueSync } from '../../src/lib/flow/steps/catalogue/catalogue.ts';
import { adler32, bytesOf } from '../contracts/storage.ts';
import { FNAL, PASSWORD, PREFIX, USER } from './rucio-world.ts';

const AT = '2026-07-14T06:12:00.000Z';
export const STORAGES = ['sfu', 'fnal'] as const;

export class RucioExperiment {
  readonly folder = mkdtempSync(join(tmpdir(), `dflow-rucio-exp-${process.pid}-`));
  ports!: OpenPorts;

  static async make(url: string, more = ''): Promise<RucioExperiment> {
    const made = new RucioExperiment();
    await made.open(url, more, 'setup');
    await made.ports.store.setup('snoplus');
    return made;
  }

  /** Once more, with a server at another address. */
  async open(url: string, more = '', write: true | 'setup' = true): Promise<void> {
    await this.ports?.close();
    for (const name of ['raw', ...STORAGES]) mkdirSync(join(this.folder, name), { recursive: true });
    const host = url.replace(/^https?:\/\//, '');
    process.env.DFLOW_CREDENTIALS = join(this.folder, 'credentials.yaml');
    writeFileSync(process.env.DFLOW_CREDENTIALS, `${host}: {user: ${USER}, password: ${PASSWORD}}\n`, { mode: 0o600 });
    writeFileSync(
      join(this.folder, 'dflow.yaml'),
      `experiment: snoplus
buffer: {path: ./raw, pattern: 'SNOP_{run:10}_{subrun:3}.zdab'}
storage: {sfu: ./sfu, fnal: ./fnal}
copies: {raw: 2}
catalogue:
  url: ${url}
  account: root
  auth: {user: ${USER}}
  scope: snoplus
  timeout: 2 min
  rses: {sfu: {name: SFU, url: '${PREFIX}'}, fnal: {name: FNAL, url: '${FNAL}'}}
  ${more}
`,
    );
    const { settings } = await load({ cwd: this.folder, env: {}, host: hostOf() });
    this.ports = await openPorts(settings, { write, command: 'test' });
  }

  async remove(): Promise<void> {
    await this.ports?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Complete runs with files that both elements have. */
  async runs(first: number, count: number, subruns: number, storages: readonly string[] = STORAGES): Promise<void> {
    const docs = Array.from({ length: count }, (_, at) => first + at).flatMap((run) => [
      this.#run(run, subruns),
      this.#data(run, subruns, storages),
    ]);
    await this.put(docs);
  }

  async put(docs: readonly Doc[]): Promise<void> {
    await this.ports.store.bulk(docs.map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));
  }

  #run(run: number, subruns: number): RunDoc {
    const complete = { at: AT, subruns: Array.from({ length: subruns }, (_, at) => at), evidence: 'a later run' };
    const levels = { L1: { complete, lastFile: AT, late: [], files: subruns } };
    return { _id: runId(run), kind: 'run', v: 1, run, levels, firstSeen: AT, history: [] };
  }

  #data(run: number, subruns: number, storages: readonly string[]): DataDoc {
    const files = Array.from({ length: subruns }, (_, subrun) => this.file(run, subrun, storages));
    return {
      ...{ _id: dataId('L1', run), kind: 'data', v: 1, level: 'L1', run, files, keep: { kept: true, rule: 'all' } },
      ...{ done: [...storages].sort(), host: 'buffer1', history: [] },
    };
  }

  /** A raw file, with its bytes at the elements. */
  file(run: number, subrun: number, storages: readonly string[] = STORAGES, late = false): RawFile {
    const name = `SNOP_${runPad(run)}_${pad(subrun, 3)}.zdab`;
    const bytes = bytesOf(name, 20 + ((run + subrun) % 50));
    const path = `L1/${Math.floor(run / 1000)}/${name}`;
    for (const storage of storages) this.write(storage, path, bytes);
    const replica = { state: 'verified' as const, attempt: 1, path, since: AT, checkedAt: AT };
    const lfn = rawLfn('snoplus', 'L1', run, name);
    return {
      ...{ name, path: name, subrun, size: bytes.length, adler32: adler32(bytes), guid: guidOf('snoplus', lfn), lfn },
      ...{ modified: AT, registered: AT, late, original: { state: 'present' } },
      replicas: Object.fromEntries(storages.map((storage) => [storage, replica])),
    };
  }

  write(storage: string, path: string, bytes: Buffer): void {
    const at = join(this.folder, storage, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, bytes);
  }

  read(storage: string, path: string): Buffer {
    return readFileSync(join(this.folder, storage, path));
  }

  /** A completed pass with one output of each type. */
  async pass(run: number, types: readonly string[] = ['ntuple', 'ratds']): Promise<string> {
    const id = jobId(run, 'Analysis', 1);
    const outputs = types.map((type) => {
      const name = `Analysis_r${runPad(run)}_s000_p001.${type}.root`;
      const bytes = bytesOf(name, 33);
      const path = `out/x1/${name}`;
      this.write('sfu', path, bytes);
      const lfn = outputLfn('snoplus', '1.0', 'Analysis', run, name);
      return {
        type,
        name,
        storage: 'sfu',
        path,
        size: bytes.length,
        adler32: adler32(bytes),
        guid: guidOf('snoplus', lfn),
        lfn,
      };
    });
    const lock = { site: 'here', epoch: 1, claim: 'c', index: 0 };
    const state = { name: 'completed' as const, since: AT, lock, execution: 'x1', outputs, usage: {} };
    const job: JobDoc = {
      ...{ _id: id, kind: 'job', v: 1, run, module: 'Analysis', pass: 1, version: '1.0', level: 'L1', priority: 0 },
      ...{
        labels: [],
        created: AT,
        needs: [],
        outputs: {},
        tables: {},
        hash: 'h',
        state: 'completed',
        since: AT,
        history: [],
      },
      subjobs: [{ index: 0, inputs: [], attempt: 1, failures: 0, state }],
    };
    await this.put([job]);
    return id;
  }

  async change<D extends Doc>(id: string, next: (doc: D) => D): Promise<void> {
    await this.ports.store.update<D>(id, (doc) => (doc ? { write: next(doc) } : { skip: 'none' }));
  }

  doc<D extends Doc>(id: string): Promise<D> {
    return this.ports.store.get<D>([id]).then((docs) => docs.get(id)!);
  }

  sync(options: Parameters<typeof catalogueSync>[1] = {}): Promise<Item[]> {
    return all(catalogueSync(this.ports, options));
  }

  verify(options: Parameters<typeof verifyCatalogue>[1] = {}): Promise<Item[]> {
    return all(verifyCatalogue(this.ports, options));
  }
}

async function all(step: Step): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of step) items.push(item);
  return items;
}

/** How many items have each word. */
export function tally(items: readonly Item[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { did } of items) counts[did] = (counts[did] ?? 0) + 1;
  return counts;
}
