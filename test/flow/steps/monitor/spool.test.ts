// The spool between the two halves of monitor: applied once, whole or set aside, and never more than one answer a farm.
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { applySpool, writeSpool } from '../../../../src/lib/cli/loop/spool.ts';
import type { Observation } from '../../../../src/lib/flow/steps/monitor/monitor.ts';
import { StoreError } from '../../../../src/lib/util/errors.ts';
import { tryLock } from '../../../../src/lib/util/processes/lock.ts';
import { closeWorlds, collect, replacing, T0, type TestPorts, world } from '../../../support/ports.ts';

let folder = '';
afterEach(async () => {
  await closeWorlds();
  rmSync(folder, { recursive: true, force: true });
});

async function spooled(): Promise<TestPorts> {
  folder = mkdtempSync(join(tmpdir(), 'dflow-spool-'));
  return world();
}

const seen = (key: string, more: Partial<Observation> = {}): Observation => ({
  ...{ kind: 'observation', site: 'cedar', key, at: T0, state: 'running' },
  ...more,
});

const files = (): string[] => readdirSync(folder).filter((name) => !/\.lock/.test(name));

test('an answer waits for its farm, a newer one takes its place', async () => {
  await spooled();
  const item = await writeSpool(folder, 'cedar', [seen('a.0')]);
  expect(item).toMatchObject({ kind: 'farm', ref: 'cedar', did: 'polled', asked: 1 });
  await writeSpool(folder, 'cedar', [seen('a.0'), seen('a.1')]);
  await writeSpool(folder, 'a/b *', []);
  expect(files().sort()).toEqual(['a%2Fb%20%2A.poll', 'cedar.poll']);
  const [head, ...lines] = readFileSync(join(folder, 'cedar.poll'), 'utf8').trim().split('\n');
  expect(JSON.parse(head!)).toMatchObject({ kind: 'poll', site: 'cedar', lines: 2 });
  expect(lines.map((line) => (JSON.parse(line) as Observation).key)).toEqual(['a.0', 'a.1']);
});

test('applied once, and removed after; a dry run leaves everything', async () => {
  const ports = await spooled();
  await writeSpool(folder, 'cedar', []);
  await collect(applySpool(ports, folder, { dryRun: true }));
  expect(files()).toEqual(['cedar.poll']);
  expect(await collect(applySpool(ports, folder, {}))).toEqual([]);
  expect(files()).toEqual([]);
});

test('what fails while it is applied stays, and is applied before anything newer', async () => {
  const ports = await spooled();
  await writeSpool(folder, 'cedar', [seen('old.0')]);
  const backend = (): Promise<never> => Promise.reject(new StoreError('the store went away'));
  await expect(collect(applySpool(replacing(ports, { backend }), folder, {}))).rejects.toThrow();
  expect(files()).toEqual(['cedar.taken']);
  await writeSpool(folder, 'cedar', []);
  expect(files().sort()).toEqual(['cedar.poll', 'cedar.taken']);
  // As a poll that a kill has cut: the other half never sees it.
  writeFileSync(join(folder, 'cedar.new'), '{"kind":"poll"');
  rmSync(join(folder, 'cedar.taken'));
  await collect(applySpool(ports, folder, {}));
  expect(files()).toEqual(['cedar.new']);
  await writeSpool(folder, 'cedar', []);
  expect(files()).toEqual(['cedar.poll']);
});

test.each([
  ['cut short', (text: string) => text.slice(0, -20)],
  ['a bit flipped', (text: string) => text.replace('running', 'runninh')],
  ['empty', () => ''],
  ['no header', (text: string) => text.slice(text.indexOf('\n') + 1)],
])("a damaged file is set aside, said, and in nobody's way: %s", async (_, damage) => {
  const ports = await spooled();
  await writeSpool(folder, 'cedar', [seen('a.0')]);
  await writeSpool(folder, 'oak', []);
  const path = join(folder, 'cedar.poll');
  writeFileSync(path, damage(readFileSync(path, 'utf8')));
  const items = await collect(applySpool(ports, folder, {}));
  expect(items).toHaveLength(1);
  expect(items[0]).toMatchObject({ did: 'unreadable', ref: 'cedar', failed: true });
  expect(items[0]!.next).toBe(`dflow monitor poll --site cedar --spool ${folder}`);
  expect(files()).toEqual(['cedar.damaged']);
});

test('two that apply, or two that write for one farm, do not meet', async () => {
  const ports = await spooled();
  await writeSpool(folder, 'cedar', []);
  const applying = tryLock(join(folder, 'apply.lock'))!;
  await expect(collect(applySpool(ports, folder, {}))).rejects.toThrow('monitor apply --spool is already running');
  applying.release();
  const writing = tryLock(join(folder, 'cedar.lock'))!;
  await expect(writeSpool(folder, 'cedar', [])).rejects.toThrow('is already running');
  writing.release();
  renameSync(join(folder, 'cedar.poll'), join(folder, 'x'));
  expect(existsSync(join(folder, 'cedar.poll'))).toBe(false);
});
