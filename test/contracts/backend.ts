// What every batch system must do (src/lib/backend.ts), as one suite over any of them.
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend, Status, Task } from '../../src/lib/backend.ts';
import type { ResultRecord } from '../../src/lib/wrapper/record.ts';
import type { JobSpec } from '../../src/lib/wrapper/spec.ts';

export interface BackendWorld {
  readonly backend: Backend;
  /** Another opening of the same batch system, as a second command has it. */
  reopen(): Promise<Backend>;
  /** A folder that jobs can write to and the test can read. */
  readonly folder: string;
  close(): Promise<void>;
}

export function nonce(): string {
  return `c${randomBytes(8).toString('hex')}`;
}

/** A job without inputs whose one output, `out`, is what `command` writes to `$OUT_out`. */
export function simpleSpec(key: string, command: string, folder: string, more: Partial<JobSpec> = {}): JobSpec {
  mkdirSync(join(folder, 'se'), { recursive: true });
  return {
    key,
    ref: `test/${key}`,
    setup: '',
    command,
    inputs: [],
    files: [],
    outputs: [{ type: 'out', name: 'out.txt' }],
    env: {},
    limit: 0,
    destinations: [{ storage: 'disk', protocol: 'posix', folder: join(folder, 'se/jobs', key), path: `jobs/${key}` }],
    cpus: 1,
    ...more,
  };
}

/** Whether a process lives; one that only waits to be reaped does not. */
export function isRunning(pid: number): boolean {
  try {
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim()[0] !== 'Z';
  } catch {
    return false;
  }
}

export async function until<T>(what: string, look: () => Promise<T | undefined>, seconds = 300): Promise<T> {
  const deadline = Date.now() + seconds * 1_000;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited ${seconds} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Waits until every key is in `state`. */
export async function untilState(backend: Backend, keys: readonly string[], state: Status['state']): Promise<void> {
  await until(`${state}`, async () => {
    const status = await backend.status(keys);
    return keys.every((key) => status.get(key)?.state === state) || undefined;
  });
}

/** What a suite of one batch system does with jobs: tasks of a fresh claim, handed over, released, waited for. */
export function handsOn(world: () => Pick<BackendWorld, 'backend' | 'folder'>) {
  const tasks = (count: number, command: string, more: (index: number) => Partial<JobSpec> = () => ({})): Task[] => {
    const claim = nonce();
    return Array.from({ length: count }, (_, index) => {
      const key = `${claim}.${index}`;
      return { key, spec: simpleSpec(key, command, world().folder, { outputs: [], ...more(index) }) };
    });
  };
  const submitted = async (list: readonly Task[]): Promise<string[]> => {
    const keys = list.map(({ key }) => key);
    await world().backend.submit(keys[0]!.split('.')[0]!, list);
    return keys;
  };
  const go = async (list: readonly Task[]): Promise<string[]> => {
    const keys = await submitted(list);
    await world().backend.release(keys);
    return keys;
  };
  const ended = (key: string, seconds = 300): Promise<Status> => {
    const look = async () => {
      const status = (await world().backend.status([key])).get(key);
      return status?.state === 'ended' ? status : undefined;
    };
    return until(`the end of ${key}`, look, seconds);
  };
  return { tasks, submitted, go, ended };
}

export function backendContract(name: string, setUp: () => Promise<BackendWorld>): void {
  describe(`${name}: backend contract`, () => {
    let world: BackendWorld;
    let backend: Backend;
    beforeAll(async () => {
      world = await setUp();
      backend = world.backend;
    });
    afterAll(() => world?.close());

    /** `count` tasks of a fresh claim. */
    function tasks(count: number, command: (index: number) => string, more: Partial<JobSpec> = {}) {
      const claim = nonce();
      const list: Task[] = Array.from({ length: count }, (_, index) => {
        const key = `${claim}.${index}`;
        return { key, spec: simpleSpec(key, command(index), world.folder, more) };
      });
      return { claim, list, keys: list.map((task) => task.key) };
    }

    async function recordsOf(keys: readonly string[]): Promise<Map<string, ResultRecord>> {
      const all = await backend.records(10_000);
      return new Map(all.filter(({ key }) => keys.includes(key)).map((record) => [record.key, record]));
    }

    test('says who it is, the same to everybody', async () => {
      const identity = await backend.identity();
      expect(identity.cluster).not.toBe('');
      expect(identity.user).not.toBe('');
      expect(await (await world.reopen()).identity()).toEqual(identity);
    });

    test('an unknown key is absent, has no log, and can be released, cancelled and acknowledged', async () => {
      const key = `${nonce()}.0`;
      await backend.release([key]);
      await backend.cancel([key]);
      expect(await backend.status([key])).toEqual(new Map([[key, { state: 'absent' }]]));
      expect(await backend.logs([key], 100)).toEqual(new Map());
      expect(await backend.status([])).toEqual(new Map());
    });

    test('a submitted job is held, and does not start until it is released', async () => {
      const mark = join(world.folder, nonce());
      const { claim, list, keys } = tasks(1, () => `echo ran >> '${mark}'; echo x > "$OUT_out"`);
      const ids = await backend.submit(claim, list);
      expect([...ids.keys()]).toEqual(keys);
      expect((await backend.status(keys)).get(keys[0]!)?.state).toBe('held');
      expect(await backend.alive()).toContain(keys[0]);
      // Another job runs from end to end meanwhile: there was time and a free slot.
      const other = tasks(1, () => 'echo x > "$OUT_out"');
      await backend.submit(other.claim, other.list);
      await backend.release(other.keys);
      await untilState(backend, other.keys, 'ended');
      expect((await backend.status(keys)).get(keys[0]!)?.state).toBe('held');
      expect(existsSync(mark)).toBe(false);

      await backend.release(keys);
      await backend.release(keys);
      await untilState(backend, keys, 'ended');
      expect(await backend.alive()).not.toContain(keys[0]);
      expect(readFileSync(mark, 'utf8')).toBe('ran\n');
    });

    test('status answers for exactly the keys asked', async () => {
      const { claim, list, keys } = tasks(3, () => 'echo x > "$OUT_out"');
      await backend.submit(claim, list);
      expect([...(await backend.status([keys[1]!])).keys()]).toEqual([keys[1]]);
      await backend.cancel(keys);
    });

    test('a job that ends well leaves a record of what it stored', async () => {
      const { claim, list, keys } = tasks(2, (index) => `echo number ${index} > "$OUT_out"; echo said ${index}`);
      await backend.submit(claim, list);
      await backend.release(keys);
      await untilState(backend, keys, 'ended');
      const records = await recordsOf(keys);
      for (const [index, key] of keys.entries()) {
        const record = records.get(key)!;
        expect(record).toMatchObject({ key, phase: 'done', exit: 0 });
        const [output] = record.outputs;
        expect(output).toMatchObject({ type: 'out', name: 'out.txt', storage: 'disk', size: 9 });
        expect(readFileSync(join(world.folder, 'se', output!.path), 'utf8')).toBe(`number ${index}\n`);
        expect(output!.path).toContain(record.execution);
      }
      expect((await backend.logs(keys, 1_000)).get(keys[1]!)).toBe('said 1\n');
      expect((await backend.logs(keys, 3)).get(keys[1]!)).toBe(' 1\n');
    });

    test('a record is offered until it is acknowledged; the key stays known', async () => {
      const { claim, list, keys } = tasks(3, () => 'echo x > "$OUT_out"');
      await backend.submit(claim, list);
      await backend.release(keys);
      await untilState(backend, keys, 'ended');
      const first = await recordsOf(keys);
      expect(first.size).toBe(3);
      expect(await recordsOf(keys)).toEqual(first);
      expect((await backend.records(2)).length).toBe(2);
      await backend.acknowledge([first.get(keys[0]!)!]);
      await backend.acknowledge([first.get(keys[0]!)!]);
      expect([...(await recordsOf(keys)).keys()].sort()).toEqual([keys[1], keys[2]]);
      expect((await backend.status(keys)).get(keys[0]!)?.state).toBe('ended');
    });

    test('a held job that is cancelled never starts', async () => {
      const mark = join(world.folder, nonce());
      const { claim, list, keys } = tasks(2, () => `echo ran >> '${mark}'`);
      await backend.submit(claim, list);
      await backend.cancel(keys);
      await backend.cancel(keys);
      await untilState(backend, keys, 'ended');
      await backend.release(keys);
      expect(await backend.alive()).not.toContain(keys[0]);
      expect(existsSync(mark)).toBe(false);
    });

    test('a running job that is cancelled is stopped', async () => {
      const mark = join(world.folder, nonce());
      const { claim, list, keys } = tasks(1, () => `echo $$ > '${mark}'; sleep 300`);
      await backend.submit(claim, list);
      await backend.release(keys);
      await until('the payload', async () => existsSync(mark) || undefined);
      expect((await backend.status(keys)).get(keys[0]!)?.state).toBe('running');
      await backend.cancel(keys);
      await untilState(backend, keys, 'ended');
      const record = (await recordsOf(keys)).get(keys[0]!);
      if (record) expect(record.phase).toBe('killed');
    });

    test('a job that fails says so, with the end of its log', async () => {
      const { claim, list, keys } = tasks(1, () => 'echo No route to host >&2; exit 3');
      await backend.submit(claim, list);
      await backend.release(keys);
      await untilState(backend, keys, 'ended');
      const record = (await recordsOf(keys)).get(keys[0]!);
      expect(record).toMatchObject({ phase: 'payload', exit: 3, tail: 'No route to host', outputs: [] });
    });

    test('a second command sees the same', async () => {
      const { claim, list, keys } = tasks(1, () => 'echo x > "$OUT_out"');
      await backend.submit(claim, list);
      const other = await world.reopen();
      expect(await other.alive()).toContain(keys[0]);
      await other.release(keys);
      await untilState(backend, keys, 'ended');
    });
  });
}
