// What is generated is current: README reference, man pages, schema. And the flags of every command and its JSON are a contract.
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { beforeAll, expect, test } from 'vitest';
import { DID } from '../../src/lib/domain/results/did.ts';
import { contract } from '../support/contract.ts';

const root = resolve(import.meta.dirname, '../..');

interface Generator {
  generated(): Map<string, string>;
  leftovers(): string[];
}
let generator: Generator;
beforeAll(async () => {
  generator = (await import(pathToFileURL(join(root, 'bin/generate.js')).href)) as Generator;
});

test('README reference, man pages and schema are current; if not: npm run generate', () => {
  const files = generator.generated();
  expect([...files.keys()]).toEqual(
    expect.arrayContaining(['README.md', 'docs/dflow.schema.json', 'man/dflow-retry.1']),
  );
  const stale = [...files].filter(([path, text]) => {
    const file = join(root, path);
    return !existsSync(file) || readFileSync(file, 'utf8') !== text;
  });
  expect(stale.map(([path]) => path)).toEqual([]);
  expect(generator.leftovers()).toEqual([]);
});

test('the schema knows every key of the configuration and refuses others', () => {
  const schema = JSON.parse(generator.generated().get('docs/dflow.schema.json') ?? '{}') as {
    properties: Record<string, unknown>;
    additionalProperties: boolean;
    required: string[];
  };
  expect(schema.additionalProperties).toBe(false);
  expect(schema.required).toEqual(['buffer', 'storage']);
  expect(Object.keys(schema.properties)).toEqual(
    expect.arrayContaining(['buffer', 'storage', 'farms', 'policy', 'hosts']),
  );
});

test('flags of every command', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as {
    commands: Record<string, { flags: Record<string, { char?: string; name: string }>; args: Record<string, unknown> }>;
  };
  const flags = Object.entries(manifest.commands).map(([id, { flags: all, args }]) => {
    const names = Object.values(all).map(({ char, name }) => (char ? `-${char}/--${name}` : `--${name}`));
    return `${id.replaceAll(':', ' ')}: ${[...Object.keys(args), ...names.sort()].join(' ')}`;
  });
  expect(flags.sort()).toMatchSnapshot();
});

interface Def {
  readonly properties?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly required?: readonly string[];
}

/** `JobItem.run?: number`: comments may change, nothing else. */
function signatures(): string[] {
  return Object.entries(contract.$defs).flatMap(([name, def]) => {
    const { properties = {}, required = [] } = def as Def;
    return Object.entries(properties).map(([field, schema]) => {
      const bare = JSON.stringify(schema, (key, value: unknown) => (key === 'description' ? undefined : value));
      return `${name}.${field}${required.includes(field) ? '' : '?'}: ${bare}`;
    });
  });
}

test('the types of all lines: a field less or another type breaks scripts', () => {
  expect(contract.commands).toMatchSnapshot('commands');
  expect(signatures().sort()).toMatchSnapshot('fields');
});

test('every command that can print JSON is described', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as {
    commands: Record<string, { pluginName?: string; hidden?: boolean }>;
  };
  const known = new Set(
    Object.keys(contract.commands).flatMap((key) => [key, key.split(' ')[0], key.replace(/ --.*/, '')]),
  );
  const missing = Object.keys(manifest.commands).filter((id) => !known.has(id.replaceAll(':', ' ')));
  expect(missing).toEqual(['completion', 'demo', 'help', 'screens:attach', 'screens:cron']);
});

test('every word of did is said by some kind, and every word that a kind says has a sentence', () => {
  const said = Object.values(contract.$defs).flatMap((def) => {
    const did = (def as Def).properties?.did;
    return did ? ((did.enum as string[] | undefined) ?? [String(did.const)]) : [];
  });
  expect([...new Set(said)].sort()).toEqual(Object.keys(DID).sort());
  for (const sentence of Object.values(DID)) expect(sentence).toMatch(/^[A-Z`].*\.$/);
});
