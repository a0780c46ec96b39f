// Every key of a configuration file is explained: what it means, its default where it has one, an example. And what is
// said is true: examples are taken by the parser, a default that is written out changes nothing.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod/mini';
import { settingsOf } from '../../src/lib/cli/config/settings.ts';
import { configSchema, jsonSchema, moduleJsonSchema, moduleSchema } from '../../src/lib/cli/config/yaml/schema.ts';
import { type Key, keysOf, type Schema } from '../../src/lib/cli/help/keys.ts';
import { JOB_VARIABLES } from '../../src/lib/cli/help/modules.ts';
import { field } from '../../src/lib/util/values/field.ts';
import { folder, must, removeFolders } from '../support/cli.ts';

afterAll(removeFolders);

const MAIN = keysOf(jsonSchema() as Schema);
const MODULES = keysOf(moduleJsonSchema() as Schema);
const ALL: [string, Key][] = [...MAIN, ...MODULES].map((key) => [key.path, key]);

describe('what is said of a key', () => {
  test('there are as many as there should be, farms and rules among them', () => {
    const paths = MAIN.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['store', 'farms.NAME.slots', 'policy.action', 'hosts.NAME.loops']));
    expect(paths).toEqual(
      expect.arrayContaining(['hosts.NAME.loops.NAME.every', 'notify.NAME.on', 'storage.NAME.url']),
    );
    expect([MAIN.length, MODULES.length]).toEqual([expect.toSatisfy((n) => n > 110), expect.toSatisfy((n) => n > 25)]);
  });

  test.each(ALL)('%s: a meaning, a default or what is without it, an example', (_, key) => {
    expect(key.meaning).toMatch(/^[A-Zf]\S* .*\.$|^(retry|stream|tls|false)/);
    if (key.group) return;
    expect(key.example).toBeDefined();
    expect(key.required || key.default !== undefined || key.without !== undefined).toBe(true);
  });
});

const SMALL = "buffer: {path: ./raw, pattern: 'run{run:3}.zip'}\nstorage: {disk: ./store}\n";
/** A configuration that has the key: what its neighbours need besides. */
const AROUND: Readonly<Record<string, object>> = {
  'buffer.': { path: './raw', pattern: 'run{run:3}.zip' },
  'storage.NAME.': { url: './store' },
  'outputs.': { to: 'disk' },
  'policy.': { cause: 'some', action: 'more', of: 'memory' },
  'routing.': { farm: 'here' },
  'notify.NAME.': { on: 'failed', command: './page.sh' },
  'smtp.': { host: 'localhost' },
  'tables.jobs.NAME.': { run: './dq.sh' },
  'tables.': { source: 'postgres://db.example.org/ratdb' },
  'catalogue.': { url: 'https://rucio.example.org', account: 'a', auth: { user: 'u' }, rses: { disk: 'DISK' } },
  'catalogue.rses.NAME.': { name: 'DISK' },
  'modules.NAME.policy.': { cause: 'some', action: 'more', of: 'memory' },
};
/** Sections that are lists. */
const LISTS = /^(outputs|policy|routing|modules\.NAME\.policy)$/;

/** The whole file in which the key says this. */
function written(path: string, value: string, base: object): Record<string, unknown> {
  const parts = path.split('.');
  const build = (at: number): unknown => {
    if (at === parts.length) return parse(value);
    const above = `${parts.slice(0, at).join('.')}.`;
    const inner = { ...AROUND[above], [parts[at] === 'NAME' ? 'NAME1' : parts[at]!]: build(at + 1) };
    return LISTS.test(parts.slice(0, at).join('.')) ? [inner] : inner;
  };
  return { ...base, ...(build(0) as object) };
}

const smallModules = { modules: {} };

test.each(
  MAIN.filter(({ example }) => example !== undefined).map((key) => [key.path, key.example!] as const),
)('the example of %s is taken: %s', (path, example) => {
  const parsed = z.safeParse(configSchema, written(path, example, parse(SMALL)));
  expect(parsed.error?.issues ?? []).toEqual([]);
});

test.each(
  MODULES.filter(({ example }) => example !== undefined).map((key) => [key.path, key.example!] as const),
)('the example of %s is taken: %s', (path, example) => {
  const parsed = z.safeParse(moduleSchema, written(path, example, smallModules));
  expect(parsed.error?.issues ?? []).toEqual([]);
});

const around = { file: '/x/dflow.yaml', folder: '/x', host: 'here', cores: 2, env: {}, modules: {}, hash: 'h' };
const settings = (raw: unknown) => settingsOf(z.parse(configSchema, raw), around).settings;

/** What no settings show: it is decided where the key is used. */
const ELSEWHERE = /^(policy\.|hosts\.NAME\.loops)/;

test.each(
  MAIN.filter(({ path, default: value }) => value !== undefined && !ELSEWHERE.test(path)).map(
    (key) => [key.path, key.default!, key.example!] as const,
  ),
)('the default of %s is %s: written out, it changes nothing, and the example does', (path, value, example) => {
  const parts = path.split('.');
  const name = parts.at(-1)!;
  const whole = written(path, value, parse(SMALL));
  const without = structuredClone(whole);
  const holder = parts.slice(0, -1).reduce<unknown>((at, part) => {
    const inner = field(at, part === 'NAME' ? 'NAME1' : part);
    return Array.isArray(inner) ? inner[0] : inner;
  }, without);
  delete (holder as Record<string, unknown>)[name];
  expect(settings(whole)).toEqual(settings(without));
  expect(settings(written(path, example, parse(SMALL)))).not.toEqual(settings(without));
});

test('a job sees the variables that are listed, and no other of ours', () => {
  const made = folder();
  for (const part of ['raw', 'store', 'modules']) mkdirSync(join(made, part));
  writeFileSync(
    join(made, 'dflow.yaml'),
    "buffer: {path: ./raw, pattern: 'run{run:3}.dat', settle: 0s}\nstorage: {disk: ./store}\nruns: {quiet: 0s}\n",
  );
  writeFileSync(join(made, 'raw/run001.dat'), 'one');
  writeFileSync(
    join(made, 'modules/1.0.yaml'),
    'modules: {Env: {run: \'env > "$OUT_list"\', parameters: {NAME: 1}, outputs: {list: list.txt}}}\nrunTypes: {any: Env}\n',
  );
  must(made, ['store', 'setup']);
  must(made, ['register', '--quiet']);
  must(made, ['transfer', '--quiet']);
  const kept = join(made, 'kept');
  const shown = must(made, ['module', 'test', 'Env', '--run', '1', '--keep', kept, '--json']);
  const path = /"ref":"([^"]*list\.txt)"/.exec(shown)![1]!;
  const names = readVariables(path);
  const known = JOB_VARIABLES.map(([name]) => name.replace(/^OUT_TYPE$/, 'OUT_list'));
  expect(names).toEqual(expect.arrayContaining(known.filter((name) => name !== 'DFLOW_TAG')));
  expect(known).toEqual(expect.arrayContaining(names));
});

/** Names of our variables in the output of `env`. */
function readVariables(path: string): string[] {
  return [...readFileSync(path, 'utf8').matchAll(/^((?:DFLOW|OUT)_\w+)=/gm)].map(([, name]) => name!);
}
