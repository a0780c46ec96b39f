// The JSON of commands is a contract: frozen in generated.test.ts, described in docs/json.md, and held against every JSON line that a
// test of the command line sees (test/support/cli.ts) and every item that a test of a step collects.
import { describe, expect, test } from 'vitest';
import { checkItem, checkLines } from '../support/contract.ts';

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
