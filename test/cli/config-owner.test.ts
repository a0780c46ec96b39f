// A configuration that was found, not named, is taken only where nobody else can have written it.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { load } from '../../src/lib/cli/config/load.ts';
import { originRows } from '../../src/lib/cli/config/yaml/origin.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dflow-own-'));
  write('dflow.yaml', "buffer: {path: ./raw, pattern: 'run{run}.dat'}\nstorage: {disk: ./store}\n");
  write('modules/1.0.yaml', "modules: {M: {macro: m.mac, run: './go.sh {macro}', outputs: {n: n.txt}}}\n");
  write('m.mac', 'x\n');
  write('modules/go.sh', 'true\n');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true, mode: 0o755 });
  writeFileSync(join(folder, name), text, { mode: 0o644 });
}
const found = () => load({ cwd: join(folder, 'modules'), env: {}, host: 'h' });

test('as it should be it is taken', async () => {
  await expect(found()).resolves.toBeDefined();
});

test.each([
  'dflow.yaml',
  '.',
  'modules',
  'modules/1.0.yaml',
  'm.mac',
  'modules/go.sh',
])('not when everybody can write %s, unless it is named', async (name) => {
  chmodSync(join(folder, name), 0o777);
  await expect(found()).rejects.toThrow(/runs only files that others cannot change/);
  await expect(load({ cwd: '/', flag: join(folder, 'dflow.yaml'), env: {}, host: 'h' })).resolves.toBeDefined();
  await expect(load({ cwd: '/', env: { DFLOW_CONFIG: folder }, host: 'h' })).resolves.toBeDefined();
});

test('config show masks addresses, environment, set-up and commands', async () => {
  write(
    'dflow.yaml',
    `store: 'https://user:p/1@SEC@h/db'
buffer: {path: ./raw, pattern: 'run{run}.dat'}
storage: {x: 'root://u:SEC@h//d?authz=SEC&v=2'}
farms: {one: {env: {DB_PASSWORD: SEC, PLAIN: SEC}, setup: {'1.0': 'export A=SEC'}}}
credentials: {check: 'echo 1 #SEC', renew: 'echo SEC'}
tables: {command: 'get --key SEC'}
`,
  );
  const rows = originRows(await found(), {});
  expect(JSON.stringify(rows)).not.toContain('SEC');
  expect(rows.find(({ ref }) => ref === 'farms.one.env.PLAIN')).toMatchObject({ value: '***', origin: 'dflow.yaml:4' });
  expect(rows.find(({ ref }) => ref === 'storage.x.url')).toMatchObject({ value: 'root://***@h//d?authz=***&v=***' });
});
