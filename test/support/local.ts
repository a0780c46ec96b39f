// A local batch system for tests: its folder, jobs that write down when they start and end, and what they wrote.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Backend, Task } from '../../src/lib/backend.ts';
import { open } from '../../src/lib/backends/local/local.ts';
import type { FarmSettings } from '../../src/lib/domain/settings.ts';
import { tryLock } from '../../src/lib/util/processes/lock.ts';
import type { ResultRecord } from '../../src/lib/wrapper/record.ts';
import type { JobSpec } from '../../src/lib/wrapper/spec.ts';
import { type BackendWorld, nonce, simpleSpec, until } from '../contracts/backend.ts';
import { type Built, buildSupervisor } from './supervisor.ts';

let supervisor: Built;

export async function build(): Promise<void> {
  supervisor = await buildSupervisor();
}

export function removeBuilt(): void {
  supervisor.remove();
}

export function farm(slots: number, options: Record<string, unknown> = {}): FarmSettings {
  return {
    name: 'here',
    backend: 'local',
    slots,
    pending: 0,
    output: ['disk'],
    reads: ['disk'],
    setup: {},
    env: {},
    options: { supervisor: supervisor.path, ...options },
  };
}

export interface LocalWorld extends BackendWorld {
  readonly spool: string;
  reopen(slots?: number): Promise<Backend>;
}

export async function makeWorld(slots: number): Promise<LocalWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'dflow local-'));
  const spool = join(folder, 'spool');
  const reopen = (now = slots) => open(farm(now), { folder: spool, uuid: 'u', nonce });
  const backend = await reopen();
  return { backend, reopen, folder, spool, close: () => closeWorld(backend, folder, spool) };
}

async function closeWorld(backend: Backend, folder: string, spool: string): Promise<void> {
  await backend.cancel([
    ...readdirSync(join(spool, 'run')),
    ...readdirSync(join(spool, 'ready')).map((n) => n.slice(25)),
  ]);
  await until('the end of the supervisor', async () => {
    const lock = tryLock(join(spool, 'lock'));
    lock?.release();
    return lock && readdirSync(join(spool, 'run')).length === 0 ? true : undefined;
  });
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Fresh for each test. */
export let world: LocalWorld;
export let backend: Backend;
/** The file that jobs write their starts and ends to. */
export let events: string;

export async function setUp(): Promise<void> {
  world = await makeWorld(3);
  backend = world.backend;
  events = join(world.folder, 'events');
  writeFileSync(events, '');
}

export function tearDown(): Promise<void> {
  return world.close();
}

/** Tasks of a fresh claim that write `s` and `e` lines to the events file around `command`. */
export function tasks(count: number, command: string, more: Partial<JobSpec> = {}): Task[] {
  const claim = nonce();
  return Array.from({ length: count }, (_, index) => {
    const key = `${claim}.${index}`;
    const text = `echo "s ${key}" >> "$EVENTS"; ${command}; echo "e ${key}" >> "$EVENTS"`;
    return { key, spec: simpleSpec(key, text, world.folder, { outputs: [], env: { EVENTS: events }, ...more }) };
  });
}

export async function go(list: readonly Task[], through: Backend = backend): Promise<string[]> {
  const keys = list.map((task) => task.key);
  await through.submit(keys[0]!.split('.')[0]!, list);
  await through.release(keys);
  return keys;
}

export const lines = () => readFileSync(events, 'utf8').split('\n').slice(0, -1);
export const starts = () =>
  lines()
    .filter((line) => line.startsWith('s '))
    .map((line) => line.slice(2));
export const supervisorPid = () => Number(readFileSync(join(world.spool, 'supervisor.pid'), 'utf8'));

export function mostAtOnce(): number {
  let now = 0;
  let most = 0;
  for (const line of lines()) {
    now += line.startsWith('s ') ? 1 : -1;
    most = Math.max(most, now);
  }
  return most;
}

export async function record(key: string): Promise<ResultRecord> {
  return until(`the record of ${key}`, async () => (await backend.records(1_000)).find((one) => one.key === key));
}

export async function started(count: number): Promise<void> {
  await until(`${count} starts`, async () => starts().length >= count || undefined);
}

export async function untilRecords(count: number): Promise<void> {
  await until(`${count} records`, async () => (await backend.records(100)).length === count || undefined);
}
