// The local backend: the contract, and what must hold whoever dies when.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Backend, Task } from '../src/lib/backend.ts';
import { open } from '../src/lib/backends/local.ts';
import type { FarmSettings } from '../src/lib/domain/settings.ts';
import { type BackendWorld, backendContract, nonce, simpleSpec, until, untilState } from './contracts/backend.ts';
import { buildSupervisor } from './support/supervisor.ts';

let supervisor: Awaited<ReturnType<typeof buildSupervisor>>;
beforeAll(async () => {
  supervisor = await buildSupervisor();
});
afterAll(() => supervisor.remove());

function farm(slots: number, options: Record<string, unknown> = {}): FarmSettings {
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

async function makeWorld(slots: number): Promise<BackendWorld & { spool: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'dflow-local-'));
  const spool = join(folder, 'spool');
  const reopen = () => open(farm(slots), { folder: spool, uuid: 'u', nonce });
  const backend = await reopen();
  return {
    backend,
    reopen,
    folder,
    spool,
    async close() {
      await backend.cancel([...readdirSync(join(spool, 'run'))]);
      await until('the end of all jobs', async () => readdirSync(join(spool, 'run')).length === 0 || undefined);
      await until('the end of the supervisor', async () => {
        try {
          rmSync(folder, { recursive: true, force: true });
          return true;
        } catch {
          return undefined;
        }
      });
    },
  };
}

backendContract('local', () => makeWorld(2));
