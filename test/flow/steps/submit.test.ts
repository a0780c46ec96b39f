// What submit does when something it does not need is down, or broken passes stand at the head of the queue: the others
// go, and nothing stays submitting.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Doc } from '../../../src/lib/domain/doc.ts';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import type { Ports } from '../../../src/lib/flow/ports.ts';
import { submit } from '../../../src/lib/flow/steps/submit/submit.ts';
import { idsWith, type Store } from '../../../src/lib/store.ts';
import { UnreachableError } from '../../../src/lib/util/errors.ts';
import { dataDoc, farm, job, module, moduleFile, rawFile } from '../../support/docs.ts';
import { Memory } from '../../support/memory-backend.ts';
import { collect, makePorts, replacing, type TestPorts } from '../../support/ports.ts';

let base: TestPorts;
let system: Memory;
const COUNT = module('Count', { level: 'sub_run', raw: true });
beforeEach(async () => {
  base = await makePorts();
  system = new Memory('here');
});
afterEach(() => base.remove());

/** A farm that reads and writes these elements. */
function ports(reads: readonly string[], output: readonly string[], more: Partial<Ports> = {}): Ports {
  const farms = [{ ...farm('here'), reads, output, slots: 50 }];
  const settings = {
    ...base.settings,
    farms,
    farm: 'here',
    modules: { '1.0': moduleFile([COUNT], { any: ['Count'] }) },
  };
  return { ...base, settings, backend: async () => system, ...more };
}

async function addJob(run: number, at: readonly string[]): Promise<string> {
  const data = dataDoc(run, [rawFile(run, 0, at)]);
  const made = job({ run, module: COUNT, data });
  await base.store.update(data._id, () => ({ write: data }));
  await base.store.update(made._id, () => ({ write: { ...made, hash: base.settings.hash } }));
  return made._id;
}

const down = (name: string): Promise<void> => rm(join(base.folder, 'se', name), { recursive: true });
const states = async (): Promise<string[]> =>
  (await base.store.range<JobDoc>(idsWith('job:'))).map(({ state }) => state);
const short = async (step: ReturnType<typeof submit>): Promise<string[]> =>
  (await collect(step)).map(({ ref, did, failed }) => `${ref} ${did}${failed ? ' failed' : ''}`);

describe('an element that is down', () => {
  test('a pass whose inputs are readable elsewhere is submitted from there', async () => {
    await addJob(1, ['sfu', 'fnal']);
    await down('sfu');
    const items = await collect(submit(ports(['sfu', 'fnal'], ['ral'])));
    expect(items).toMatchObject([
      { ref: '1/Count/1.000', did: 'submitted' },
      { ref: 'sfu', did: 'skipped', next: 'dflow why sfu' },
    ]);
    expect(items.some(({ failed }) => failed)).toBe(false);
    expect(await states()).toEqual(['submitted']);
  });

  test('only the pass that needs it waits, is said to fail, and is submitted when the element is back', async () => {
    await addJob(1, ['sfu']);
    await addJob(2, ['fnal']);
    const sick = ports(['sfu', 'fnal'], ['fnal'], {
      storage: async (name) => {
        if (name === 'sfu') throw new UnreachableError('sfu is down');
        return base.storage(name);
      },
    });
    expect(await short(submit(sick))).toEqual([
      '2/Count/1.000 submitted',
      'sfu skipped',
      '1/Count/1.000 not-submitted failed',
    ]);
    expect(await states()).toEqual(['waiting', 'submitted']);
    expect(await short(submit(ports(['sfu', 'fnal'], ['fnal'])))).toEqual(['1/Count/1.000 submitted']);
  });

  test('outputs go to the elements that are left; with none left nothing is claimed (exit 5)', async () => {
    await addJob(1, ['sfu']);
    await addJob(2, ['sfu']);
    await down('ral');
    const specs: unknown[] = [];
    const seen = replacing(system as Memory, {
      submit: async (claim, tasks) => {
        specs.push(...tasks.flatMap(({ spec }) => spec.destinations.map(({ storage }) => storage)));
        return system.submit(claim, tasks);
      },
    });
    await collect(submit(ports(['sfu'], ['ral', 'fnal'], { backend: async () => seen }), { limit: 1 }));
    expect(specs).toEqual(['fnal']);
    const failing = collect(submit(ports(['sfu'], ['ral'])));
    await expect(failing).rejects.toThrow(UnreachableError);
    expect(await states()).toEqual(['submitted', 'waiting']);
    expect(await base.store.range(idsWith('lease:'))).toEqual([]);
  });

  test('a server that opens without a word is asked before anything is claimed', async () => {
    await addJob(1, ['sfu', 'fnal']);
    const server = async (name: string) => {
      const real = await base.storage(name);
      if (name !== 'sfu') return real;
      const stat = () => Promise.reject(new UnreachableError('connection refused'));
      return replacing(real, { localPath: () => undefined, stat });
    };
    expect(await short(submit(ports(['sfu', 'fnal'], ['fnal'], { storage: server })))).toEqual([
      '1/Count/1.000 submitted',
      'sfu skipped',
    ]);
  });
});

describe('the head of the queue', () => {
  test('passes in conflict are read past, however many', async () => {
    const broken = new Set<string>();
    for (let run = 1; run <= 40; run++) broken.add(await addJob(run, ['sfu']));
    for (const run of [41, 42, 43]) await addJob(run, ['sfu']);
    const get = async <D extends Doc>(ids: readonly string[]): Promise<Map<string, D>> => {
      const found = await base.store.get<D>(ids);
      return new Map([...found].map(([id, doc]) => [id, broken.has(id) ? { ...doc, _conflicts: ['2-x'] } : doc]));
    };
    const store: Store = replacing<Store>(base.store, { get });
    const items = await collect(submit(ports(['sfu'], ['sfu'], { store }), { limit: 2, order: 'lowest' }));
    expect(items.map(({ ref }) => ref)).toEqual(['41/Count/1.000', '42/Count/1.000']);
  });

  test('broken passes keep nobody else waiting, and none of them stays submitting', async () => {
    for (let run = 1; run <= 30; run++) {
      const id = await addJob(run, ['sfu']);
      if (run <= 27)
        await base.store.update<JobDoc>(id, (doc) => ({
          write: { ...doc!, outputs: null as never },
        }));
    }
    const items = await collect(submit(ports(['sfu'], ['sfu']), { limit: 3, order: 'lowest' }));
    expect(items.filter(({ did }) => did === 'submitted').map(({ ref }) => ref)).toEqual([
      '28/Count/1.000',
      '29/Count/1.000',
      '30/Count/1.000',
    ]);
    const rest = items.filter(({ did }) => did === 'not-submitted');
    expect(rest).toHaveLength(21);
    expect(rest.at(-1)).toMatchObject({ failed: true, text: expect.stringContaining('7 more passes') });
    expect(new Set(await states())).toEqual(new Set(['waiting', 'submitted']));
  });
});
