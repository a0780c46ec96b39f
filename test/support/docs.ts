// Small documents for tests of pure rules.
import type { DataDoc, RawFile } from '../../src/lib/domain/data/data.ts';
import { withDone } from '../../src/lib/domain/data/data.ts';
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import { newJob } from '../../src/lib/domain/jobs/newjob.ts';
import type { ModuleDef, ModuleFile } from '../../src/lib/domain/modules/modules.ts';
import type { FarmSettings } from '../../src/lib/domain/settings.ts';
import { smallSettings } from './settings.ts';

export const T0 = '2026-07-14T02:00:00.000Z';

export function module(name: string, more: Partial<ModuleDef> = {}): ModuleDef {
  const base = {
    run: 'true',
    level: 'sub_run',
    outputs: { out: 'txt' },
    needs: [],
    inputs: 'stream',
    files: [],
  } as const;
  return { ...base, name, raw: (more.needs ?? []).length === 0, cpus: 1, tries: 3, env: {}, ...more };
}

export function moduleFile(modules: readonly ModuleDef[], runTypes: Record<string, string[]>): ModuleFile {
  const named = Object.fromEntries(modules.map((one) => [one.name, one]));
  return { version: '1.0', path: 'modules/1.0.yaml', modules: named, runTypes };
}

export function rawFile(run: number, subrun: number, storages: readonly string[] = []): RawFile {
  const name = `run${run}_${subrun}.dat`;
  const verified = { state: 'verified', attempt: 1, path: `L1/${name}`, since: T0, checkedAt: T0 } as const;
  return {
    name,
    path: name,
    subrun,
    size: 10,
    adler32: '00000001',
    guid: `guid-${run}-${subrun}`,
    lfn: `/x/${name}`,
    modified: T0,
    registered: T0,
    late: false,
    original: { state: 'present' },
    replicas: Object.fromEntries(storages.map((storage) => [storage, verified])),
  };
}

export function dataDoc(run: number, files: readonly RawFile[]): DataDoc {
  const keep = { kept: true, rule: 'all' };
  const id = `data:L1:${String(run).padStart(10, '0')}`;
  return withDone({
    _id: id,
    kind: 'data',
    v: 1,
    level: 'L1',
    run,
    files,
    keep,
    done: [],
    host: 'buffer1',
    history: [],
  });
}

export interface JobWish {
  readonly run?: number;
  readonly pass?: number;
  readonly module?: ModuleDef;
  readonly data?: DataDoc;
  readonly needs?: readonly JobDoc[];
  readonly request?: string;
  readonly mask?: number;
}

export function job(wish: JobWish = {}): JobDoc {
  const run = wish.run ?? 12;
  const needs = wish.needs ?? [];
  return newJob(
    {
      run,
      module: wish.module ?? module('Count'),
      pass: wish.pass ?? 1,
      version: '1.0',
      level: 'L1',
      data: wish.data ?? dataDoc(run, [rawFile(run, 0, ['disk']), rawFile(run, 1, ['disk'])]),
      priority: 0,
      labels: [],
      needs: needs.map((need) => ({ module: need.module, pass: need.pass, job: need._id })),
      prerequisites: needs.map((need) => need.subjobs.map((subjob) => subjob.subrun)),
      outputs: needs.map((need) => need.outputs),
      tables: {},
      hash: 'h',
      wake: { kind: 'ready' },
      ...(wish.request === undefined ? {} : { request: wish.request }),
      ...(wish.mask === undefined ? {} : { mask: wish.mask }),
    },
    T0,
    'test@host',
    'test',
  );
}

export function farm(name = 'here'): FarmSettings {
  return smallSettings({ farms: { [name]: { slots: 2, pending: 10 } } }).farms[0]!;
}
