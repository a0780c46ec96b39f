// The result record's text: what is written is what is read, and nothing damaged passes.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRecord, renderRecord } from '../../src/lib/wrapper/record.ts';

describe('record', () => {
  const word = fc.stringMatching(/^[A-Za-z0-9_.-]{1,12}$/);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they cannot be in a line of a record
  const line = fc.string().map((text) => text.replace(/[\x00-\x1f\x7f]/g, ''));
  const anyRecord = fc.record(
    {
      key: word,
      execution: word,
      phase: fc.constantFrom('done', 'payload', 'killed', 'lost'),
      exit: fc.nat(255),
      signal: fc.nat(64),
      reason: line,
      wall: fc.nat(10_000_000).map((n) => n / 100),
      cpu: fc.nat(10_000).map((n) => n / 100),
      maxRss: fc.nat(),
      host: word,
      outputs: fc.array(
        fc.record({
          type: word,
          name: word,
          storage: word,
          path: word.map((name) => `a folder/${name}`),
          size: fc.nat(),
          checksum: fc.constant(`md5:${'0'.repeat(32)}`),
        }),
        { maxLength: 3 },
      ),
      tail: fc
        .array(line, { minLength: 1, maxLength: 4 })
        .map((lines) => lines.join('\n'))
        .filter((text) => text !== ''),
    },
    { requiredKeys: ['key', 'execution', 'phase', 'exit', 'reason', 'wall', 'host', 'outputs'] },
  );

  test('reads what it writes', () => {
    fc.assert(
      fc.property(anyRecord, (record) => {
        expect(parseRecord(renderRecord(record))).toEqual(record);
      }),
    );
  });

  test('a truncated one is always refused', () => {
    fc.assert(
      fc.property(anyRecord, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (record, share) => {
        const text = renderRecord(record);
        expect(() => parseRecord(text.slice(0, Math.floor(text.length * share)))).toThrow(/damaged result record/);
      }),
    );
  });

  test('free text cannot pass for another field', () => {
    const text = renderRecord({
      key: 'k.0',
      execution: 'e',
      phase: 'payload',
      exit: 1,
      reason: 'a\nphase done\nend k.0',
      wall: 0,
      host: 'h',
      outputs: [],
      tail: 'phase done\nend k.0',
    });
    expect(parseRecord(text)).toMatchObject({ phase: 'payload', reason: 'a phase done end k.0' });
  });
});
