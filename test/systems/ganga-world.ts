// A real Ganga with a gangadir of its own, as the suites use it: jobs by Ganga's Local backend, or by another.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend, Task } from '../../src/lib/backend.ts';
import { lockPath } from '../../src/lib/backends/ganga/client.ts';
import { open } from '../../src/lib/backends/ganga/ganga.ts';
import type { FarmSettings } from '../../src/lib/domain/settings.ts';
import type { JobSpec } from '../../src/lib/wrapper/spec.ts';
import { type BackendWorld, nonce, simpleSpec, until } from '../contracts/backend.ts';

export const GANGA = join(process.env.DFLOW_TEST_CACHE ?? '/var/cache/dflow-test', 'ganga-venv/bin/ganga');

function farm(options: Record<string, unknown> = {}): FarmSettings {
  return {
    name: 'here',
    backend: 'ganga',
    slots: 10,
    pending: 0,
    output: ['disk'],
    reads: ['disk'],
    setup: {},
    env: {},
    // Two openings of one test take turns at the gangadir: what is idle for a moment makes room.
    options: { ganga: GANGA, beat: '1s', beatLimit: '8s', idle: '0.3s', wait: '40s', ...options },
  };
}

export interface GangaWorld extends BackendWorld {
  /** The backend's own folder. */
  readonly own: string;
  /** The file that jobs write their starts to. */
  readonly events: string;
  /** Tasks of a fresh claim that write `s KEY` before `command`. */
  tasks(count: number, command: string, more?: Partial<JobSpec>): Task[];
  starts(): string[];
  reopen(options?: Record<string, unknown>): Promise<Backend>;
}

/** `blank`: in the name of every folder, as far as Ganga can stand it. */
export async function gangaWorld(options: Record<string, unknown> = {}, blank = true): Promise<GangaWorld> {
  const folder = mkdtempSync(join(tmpdir(), blank ? 'dflow ganga-' : 'dflow-ganga-'));
  const own = join(folder, 'farm');
  const events = join(folder, 'events');
  writeFileSync(events, '');
  const opened: Backend[] = [];
  const reopen = async (more: Record<string, unknown> = {}) => {
    const backend = await open(farm({ ...options, ...more }), { folder: own, uuid: 'u', nonce });
    opened.push(backend);
    return backend;
  };
  const backend = await reopen();
  return {
    backend,
    reopen,
    folder,
    own,
    events,
    tasks: (count, command, more = {}) => {
      const claim = nonce();
      return Array.from({ length: count }, (_, index) => {
        const key = `${claim}.${index}`;
        const text = `echo "s ${key}" >> "$EVENTS"; ${command}`;
        return { key, spec: simpleSpec(key, text, folder, { outputs: [], env: { EVENTS: events }, ...more }) };
      });
    },
    starts: () =>
      readFileSync(events, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('s '))
        .map((line) => line.slice(2)),
    close: async () => {
      await backend.cancel(await backend.alive());
      for (const one of opened) await one.close();
      removeLock(own);
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 300 });
    },
  };
}

/** The lock of the gangadir in a farm's folder lies in the common temporary folder. */
export function removeLock(own: string): void {
  const gangadir = join(own, 'gangadir');
  if (!existsSync(gangadir)) return;
  for (const end of ['', '-journal']) rmSync(`${lockPath(gangadir)}${end}`, { force: true });
}

export function keysOf(tasks: readonly Task[]): string[] {
  return tasks.map(({ key }) => key);
}

export async function untilStarts(world: GangaWorld, count: number): Promise<void> {
  await until(`${count} starts`, async () => world.starts().length >= count || undefined, 60);
}
