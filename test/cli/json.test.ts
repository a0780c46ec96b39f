// The JSON of commands is a contract: frozen in generated.test.ts, described in docs/json.md, and held against every JSON line that a
// test of the command line sees (test/support/cli.ts) and every item that a test of a step collects.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DID } from '../../src/lib/domain/results/did.ts';
import { checkItem, checkLines, contract } from '../support/contract.ts';

const root = resolve(import.meta.dirname, '../..');

interface Def {
  readonly properties?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly required?: readonly string[];
}

test('every command that can print JSON is described', () => {
  const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8')) as {
    commands: Record<string, { pluginName?: string; hidden?: boolean }>;
  };
  const known = new Set(
    Object.keys(contract.commands).flatMap((key) => [key, key.split(' ')[0], key.replace(/ --.*/, '')]),
  );
  const missing = Object.keys(manifest.commands).filter((id) => !known.has(id.replaceAll(':', ' ')));
  expect(missing).toEqual(['demo']);
});

test('every word of did is said by some kind, and every word that a kind says has a sentence', () => {
  const said = Object.values(contract.$defs).flatMap((def) => {
    const did = (def as Def).properties?.did;
    return did ? ((did.enum as string[] | undefined) ?? [String(did.const)]) : [];
  });
  expect([...new Set(said)].sort()).toEqual(Object.keys(DID).sort());
  for (const sentence of Object.values(DID)) expect(sentence).toMatch(/^[A-Z`].*\.$/);
});

describe('a line that is not described is found', () => {
  const item = { kind: 'job', ref: '1/Count/1', did: 'made' };

  test('a field too many, a word that is not known, a kind that the command does not print', () => {
    const line = (value: unknown) => () => checkLines(['retry', '--json'], `${JSON.stringify(value)}\n`);
    expect(line(item)).not.toThrow();
    expect(line({ ...item, colour: 'red' })).toThrow(/colour/);
    expect(line({ ...item, did: 'thrown' })).toThrow(/did/);
    expect(line({ kind: 'job', did: 'made' })).toThrow(/ref/);
    expect(line({ kind: 'trash', ref: 'x', did: 'kept' })).toThrow(/none of/);
  });

  test('of a step, too', () => {
    expect(() => checkItem(item)).not.toThrow();
    expect(() => checkItem({ ...item, bytes: 'many' } as never)).toThrow(/bytes/);
  });
});
