// RATDB text and the lookup rule: every quirk in a small table, a property test against texts rendered from known
// tables, and the real files, counted here by another method.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  contentHash,
  escapeName,
  parseRatdb,
  parseTableId,
  pickTable,
  planeOf,
  RatdbError,
  readExactJson,
  tableId,
} from '../../src/lib/domain/formats/ratdb.ts';
import { exactJson, type RatdbValue, roundedFields } from '../../src/lib/domain/formats/ratdbvalues.ts';

/** Position and message of what is wrong with a text. */
function problem(text: string): string {
  try {
    parseRatdb(text);
  } catch (error) {
    if (error instanceof RatdbError) return `${error.line}:${error.column} ${error.message}`;
    throw error;
  }
  return 'it parses';
}

describe('text', () => {
  test('bare and quoted keys, comments everywhere, trailing commas, several tables', () => {
    const tables = parseRatdb(`\uFEFF// head { "
      /* not a { table } */
      { name: "A", index: 'x', run_range: [10, 20,], "list": [1, /* two */ 2, 3,], // }
      }{"name":"B","text":"a { brace, a // slash, a /* star, a \\" quote",
      "nested": {"deep": [{"x": "}"}, {}]}, "pass": 2, run_range: [5,5] } ,
      { type: "C" }
      // tail`);
    expect(tables.map((t) => [t.name, t.index, t.ranges, t.pass, t.line])).toEqual([
      ['A', 'x', [[10, 20]], 0, 3],
      ['B', '', [[5, 5]], 2, 4],
      ['C', '', [[0, 0]], 0, 6],
    ]);
    expect(tables[0]?.fields.list).toEqual([1, 2, 3]);
    expect(tables[1]?.fields.text).toBe('a { brace, a // slash, a /* star, a " quote');
    expect(tables[1]?.fields.nested).toEqual({ deep: [{ x: '}' }, {}] });
  });

  test('old doubles, and names and strings that only look like them', () => {
    const [table] = parseRatdb(
      '{name: "D", a: 1.5d0, b: 1.5d, c: [2d-3,-4.D+2, .5d1], d1d0: 3, "e": "1.5d0", f: 0x1d0, g: 1e3, h: 7d, _2d3: 1}',
    );
    expect(table?.fields).toEqual({
      name: 'D',
      a: 1.5,
      b: 1.5,
      c: [0.002, -400, 5],
      d1d0: 3,
      e: '1.5d0',
      f: 0x1d0,
      g: 1000,
      h: 7,
      _2d3: 1,
    });
  });

  test('ranges: run_list, valid_begin and valid_end with or without subruns, planes', () => {
    const ranges = (fields: string): unknown => parseRatdb(`{name: "R", ${fields}}`)[0]?.ranges;
    expect(ranges('run_list: [7, 5, 6, 6, 10]')).toEqual([
      [5, 7],
      [10, 10],
    ]);
    expect(ranges('valid_begin: [100, 0], valid_end: [200, 3]')).toEqual([[100, 200]]);
    expect(ranges('valid_begin: 100, valid_end: 200')).toEqual([[100, 200]]);
    expect(ranges('run_range: [-1, -1]')).toEqual([[-1, -1]]);
    expect(ranges('run_range: [1, 99999999999]')).toEqual([[1, 9_999_999_999]]);
    expect(ranges('')).toEqual([[0, 0]]);
    expect(planeOf([-1, -1]) + planeOf([0, 0]) + planeOf([0, 9])).toBe('userdefaultrun');
  });

  test.each([
    ['{name: "A", x: @}', "1:16 '@' is not a value: a number, true, false, null, or text in quotes"],
    ['\n  {name: "A",\n x: 1.5d0, y: ?}', "3:15 '?' is not a value: a number, true, false, null, or text in quotes"],
    ['{name: "A"}\n{name: "B",\n x: [1, 2}', "3:10 '}' where the '[' of line 3 is not closed"],
    [
      '{name: "A", x: [1, 2\n y: 3}',
      "2:2 'y' is not a value: a number, true, false, null, or text in quotes; is the '[' of line 1 not closed?",
    ],
    ['{name: "A", x: 1]', "1:17 ']' where the '{' of line 1 is not closed"],
    ['{name: "A"}\n  {name: "B",\n x: 1', "2:3 the '{' of line 2 is not closed"],
    ['{name: "A", x: "no end\n}', '1:16 this text is not closed: its last quote is missing'],
    [
      '{name: "A", x: "no end,\ny: "b"}',
      "2:5 ':' is missing after 'b', or a ',' before it is too much (the text that begins in line 1 runs over several lines: is its last quote missing?)",
    ],
    ['{name: "A"}\n/* no end', '2:1 this comment is not closed'],
    ['{name: "A"} / {', "1:13 '/' begins neither // nor /* */"],
    ['name: "A"', "1:1 a table begins with '{', not with 'name'"],
    ['{name: "A"}}', "1:12 a table begins with '{', not with '}'"],
    ['#include "b.ratdb"', '1:1 #include is not followed: load that file by itself'],
    ['{name "A"}', "1:2 ':' is missing after 'name', or a ',' before it is too much"],
    ['{name: "A", x: 5mm}', "1:16 '5mm' is not a number"],
    ['{name: "A", x: 1.5.2}', "1:16 '1.5.2' is not a number"],
    ['{name: "A", x: 1e}', "1:16 '1e' is not a number"],
    ['{name: "A", x: , y: 1}', "1:16 'x' has no value"],
    ['{name: "A", x: [:3]}', "1:17 there is no value before ':' to repeat"],
    ['{name: "A", x: [1:2.5]}', "1:18 after ':' in an array stands how often to repeat: a whole number"],
    ['{name: "A", x: [[1:4000]:4000]}', '1:25 repetitions make more than 5000000 values'],
    ['{name: "A", x: 18446744073709551616}', "1:16 '18446744073709551616' does not fit in 64 bits"],
    ['{name: "A", x: 0x}', "1:16 '0x' has no digits"],
    ['{name: "A", x: 1.5u}', "1:16 '1.5u' is not a whole number"],
    ['{name: "A", x: "\\q"}', "1:17 '\\q' is not an escape: write \\\\ for a backslash"],
    ['{name: "A", x: "\\ud800"}', '1:17 this text holds half of a character'],
    ['{name: "A"}\0{', '1:12 zero bytes: the file is damaged'],
    ['{name: "µµ", x: ?}', "1:17 '?' is not a value: a number, true, false, null, or text in quotes"],
    [`{name: "A", x: ${'['.repeat(20_000)}`, '1:215 more than 200 levels within each other'],
    ['{index: "A"}', '1:1 a table without a name'],
    ['{name: 5}', '1:1 a table without a name'],
    ['{name: "A", run_range: [9, 3]}', '1:1 table A: the run range 9 to 3 is empty'],
    ['{name: "A", run_range: [1]}', '1:1 table A: run_range is not [first, last]'],
    ['{name: "A", run_range: ["1", 2]}', '1:1 table A: a run range holds something that is not a run number'],
    ['{name: "A", run_range: [-1, 7]}', '1:1 table A: the run range -1 to 7 mixes the user plane with runs'],
    ['{name: "A", run_list: []}', '1:1 table A: run_list is not a list of runs'],
    ['{name: "A", run_list: [1, 2.5]}', '1:1 table A: run_list holds something that is not a run'],
    ['{name: "A", x: 1e999}', "1:16 '1e999' is too large for a double"],
    ['{name: "A", pass: "x"}', '1:1 table A: pass is not a whole number'],
  ])('%j is refused at %s', (text, expected) => {
    expect(problem(text)).toBe(expected);
  });

  test.each([
    ['{name: "A" index: "a", x: 1.0\n"y": 2.0,,}', { index: 'a', x: 1, y: 2 }],
    ['{name: "A" x: [ 200.0 210.0\t220.0 ], y: [1,,2 3]}', { x: [200, 210, 220], y: [1, 2, 3] }],
    ['{name: "A", 0nbb_radius: 12.5, 2: 1, a-b.c: 2, Ω: 3}', { '0nbb_radius': 12.5, '2': 1, 'a-b.c': 2, Ω: 3 }],
    ['{name: "A", a: 5u, b: 1.5f, c: 1.5d, d: 5f, e: -2u}', { a: 5, b: 1.5, c: 1.5, d: 5, e: 2n ** 64n - 2n }],
    [
      '{name: "A", x: [0.0:4, 1.0], y: ["a" : 2], z: [[1, 2]:2], n: [7, 1:0]}',
      {
        x: [0, 0, 0, 0, 1],
        y: ['a', 'a'],
        z: [
          [1, 2],
          [1, 2],
        ],
        n: [7],
      },
    ],
    ['{name: "A", run: 0001, x: -007.5, y: +3, z: 00000000000000000000000012}', { run: 1, x: -7.5, y: 3, z: 12 }],
    ['{name: "A", note: "one\ntwo"}', { note: 'one\ntwo' }],
    ['{name: "A", x: 5y: 6}', { x: 5, y: 6 }],
    ['{name: "A", x: 1, x: 2}', { x: 2 }],
    [
      '{name: "A", x: 0xFFFFFFFFFFFFFFFF, y: 9007199254740993, z: -9223372036854775808}',
      { x: 2n ** 64n - 1n, y: 9007199254740993n, z: -(2n ** 63n) },
    ],
    ['{name: "A", x: 9007199254740991, __proto__: 1}', { x: 9007199254740991, ['__proto__']: 1 }],
    ['{name: "A",\u00a0x\u00a0:\u00a01}', { x: 1 }],
    ['{name: "A"}\0\0\n', {}],
  ])('%j is read as RAT reads it', (text, fields) => {
    expect(Object.entries(parseRatdb(text)[0]?.fields ?? {})).toEqual(Object.entries({ name: 'A', ...fields }));
  });

  test('padded run numbers, and ranges beyond every run', () => {
    expect(parseRatdb('{name: "A", run_range: [0001, 0002]}')[0]?.ranges).toEqual([[1, 2]]);
    expect(parseRatdb('{name: "A", run_range: [1, 9223372036854775807]}')[0]?.ranges).toEqual([[1, 9_999_999_999]]);
  });

  test('texts that are not UTF-8 keep their bytes, table by table', () => {
    const bytes = Buffer.concat([
      Buffer.from('// M\xfcller\n{name: "A", unit: "\xb5m"}', 'latin1'),
      Buffer.from('{name: "A", unit: "µm", 5\xb0: [1, 0x10]}'.replace('5\xb0', '5°')),
      Buffer.from('{name: "A", unit: "um"} // \xff', 'latin1'),
    ]);
    const tables = parseRatdb(bytes);
    expect(tables.map(({ fields, latin1 }) => [fields.unit, latin1])).toEqual([
      ['µm', true],
      ['µm', false],
      ['um', false],
    ]);
    expect(tables[1]?.fields['5°']).toEqual([1, 16]);
    const [latin, utf8] = [tables[0], tables[1]].map((table) =>
      contentHash({ unit: table!.fields.unit! }, table!.latin1),
    );
    expect(latin).not.toBe(utf8);
  });

  test('a text without tables has none', () => {
    expect(parseRatdb(' // nothing\n')).toEqual([]);
  });

  test('tables rendered with every liberty come back', () => {
    const value = fc.oneof(fc.integer(), fc.boolean(), fc.string(), fc.array(fc.integer(), { maxLength: 4 }));
    const table = fc.record({
      name: fc.string({ minLength: 1 }),
      index: fc.string(),
      run_range: fc.tuple(fc.nat(), fc.nat(1000)).map(([first, span]) => [first, first + span]),
      pass: fc.nat(20),
      fields: fc.dictionary(fc.stringMatching(/^f[a-z0-9_]{0,6}$/), value, { maxKeys: 5 }),
    });
    const liberty = fc.record({
      comma: fc.boolean(),
      bare: fc.boolean(),
      comment: fc.constantFrom('', '// { "\n', '/* } */'),
    });
    fc.assert(
      fc.property(fc.array(fc.tuple(table, liberty), { maxLength: 6 }), (list) => {
        const texts = list.map(([{ fields, ...head }, { comma, bare, comment }]) => {
          const pairs = Object.entries({ ...head, ...fields }).map(
            ([key, v]) => `${bare ? key : JSON.stringify(key)} : ${JSON.stringify(v)}`,
          );
          return `${comment}{\n${pairs.join(`,${comment}\n`)}${comma ? ',' : ''}${comment}}`;
        });
        const read = parseRatdb(texts.join('\n'));
        expect(read.map((t) => t.fields)).toEqual(list.map(([{ fields, ...head }]) => ({ ...head, ...fields })));
        expect(read.map((t) => t.ranges)).toEqual(list.map(([t]) => [t.run_range]));
      }),
    );
  });
});

describe('ids', () => {
  test('they say what they are, sort by run, and are read back', () => {
    expect(tableId('RUN', '', [109134, 109134], 0)).toBe('table:RUN::0000109134');
    expect(tableId('RUN', '', [109134, 109134], 2)).toBe('table:RUN::0000109134:002');
    expect(tableId('A:B', 'x/é', [1, 2], 0)).toBe('table:A%3AB:x%2F%C3%A9:r0000000001-0000000002');
    expect(tableId('A', '', [0, 0], 0)).toBe('table:A::default');
    expect(tableId('A', '', [-1, -1], 1)).toBe('table:A::user:001');
  });

  test('no two names share an id', () => {
    const name = fc.string({ unit: 'grapheme', minLength: 1 });
    fc.assert(
      fc.property(
        name,
        fc.string(),
        name,
        fc.string(),
        fc.nat(),
        fc.nat(9),
        fc.nat(1500),
        (a, i, b, j, first, span, pass) => {
          const range = [first, first + span] as const;
          const id = tableId(a, i, range, pass);
          expect(parseTableId(id)).toEqual({ first, last: first + span, pass });
          expect(id === tableId(b, j, range, pass)).toBe(a === b && i === j);
          expect(decodeURIComponent(escapeName(a))).toBe(a);
        },
      ),
    );
  });

  test('contents hash alike whatever the order of their keys', () => {
    expect(contentHash({ a: 1, b: { c: [1], d: null } })).toBe(contentHash({ b: { d: null, c: [1] }, a: 1 }));
    expect(contentHash({ a: 1 })).not.toBe(contentHash({ a: 2 }));
    expect(contentHash({ a: [1, 2] })).not.toBe(contentHash({ a: [2, 1] }));
    expect(contentHash({ a: 2n ** 60n })).not.toBe(contentHash({ a: 2n ** 60n + 1n }));
  });

  test('every 64-bit number comes back from its exact text, and any other reader gets the nearest', () => {
    const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n });
    const real = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((value) => !Object.is(value, -0));
    fc.assert(
      fc.property(fc.array(long), fc.dictionary(fc.string(), fc.oneof(real, fc.string())), (numbers, others) => {
        const text = `{"name": "A", "x": [${numbers.join(' ')}], "y": ${exactJson(others)}}`;
        const fields = parseRatdb(text)[0]!.fields;
        expect((fields.x as RatdbValue[]).map(String)).toEqual(numbers.map(String));
        expect(readExactJson(exactJson(fields))).toEqual(fields);
        expect(roundedFields(fields).x).toEqual(numbers.map(Number));
      }),
    );
  });
});

describe('the lookup rule', () => {
  const table = (first: number, last: number, pass = 0, at = '2026') => ({ first, last, pass, at });
  const planes = [table(0, 0), table(10, 20), table(15, 15, 1), table(15, 19, 1, '2027')];

  test('user plane, then range (highest pass, newest), then default', () => {
    expect(pickTable(planes, 12)).toEqual(table(10, 20));
    expect(pickTable(planes, 15)).toEqual(table(15, 19, 1, '2027'));
    expect(pickTable(planes, 21)).toEqual(table(0, 0));
    expect(pickTable([...planes, table(-1, -1)], 15)).toEqual(table(-1, -1));
    expect(pickTable([table(10, 20)], 21)).toBeUndefined();
  });
});

const real = resolve(import.meta.dirname, '../../../shared/data/ratdb');
const files = existsSync(real) ? readdirSync(real).filter((name) => name.endsWith('.ratdb')) : [];

/**
 * Counted by lines, not by parsing: in these files every table has its `"name": "X"`, `"index": "Y"` and
 * `"run_range": [a, b]` on a line of its own, and nothing else looks like one.
 */
function countedByLines(text: string): { names: string[]; indexes: string[]; ranges: string[] } {
  const lines = text.split('\n').map((line) => line.trim());
  const values = (key: string): string[] =>
    lines
      .filter((line) => line.startsWith(`"${key}"`))
      .map((line) =>
        line
          .slice(line.indexOf(':') + 1)
          .replace(/,\s*(\/\/.*)?$/, '')
          .replace(/\s/g, ''),
      );
  return { names: values('name'), indexes: values('index'), ranges: values('run_range') };
}

describe.skipIf(files.length === 0)(`the real tables of ${real}`, () => {
  test.each(files)('%s: tables, indexes and run ranges as counted line by line', (name) => {
    const text = readFileSync(join(real, name), 'utf8');
    const tables = parseRatdb(text);
    const counted = countedByLines(text);
    expect(counted.names.length).toBeGreaterThan(0);
    expect(tables.map((t) => JSON.stringify(t.name))).toEqual(counted.names);
    const withIndex = tables.filter((t) => 'index' in t.fields);
    expect(withIndex.map((t) => JSON.stringify(t.index))).toEqual(counted.indexes);
    expect(tables.map((t) => JSON.stringify(t.ranges[0]))).toEqual(counted.ranges);
  });

  test('as counted by hand: 1 RUN, 2 DIGITIZER, 5 channel tables, 16 IBD, 8 SOLAR', () => {
    const counts = files.map((name) => [name, parseRatdb(readFileSync(join(real, name), 'utf8')).length]);
    expect(Object.fromEntries(counts)).toEqual({
      'CHANNEL_STATUS_DEFAULTS.ratdb': 5,
      'DIGITIZER.ratdb': 2,
      'IBD.ratdb': 16,
      'RUN.ratdb': 1,
      'SOLAR.ratdb': 8,
    });
  });

  test('numbers survive: the first list of IBD as split at their commas', () => {
    const text = readFileSync(join(real, 'IBD.ratdb'), 'utf8');
    const digits =
      text
        .match(/"spec_e":\s*\[([^\]]*)\]/)?.[1]
        ?.split(',')
        .map(Number) ?? [];
    expect(digits.length).toBeGreaterThan(20);
    expect(parseRatdb(text)[0]?.fields.spec_e).toEqual(digits);
  });
});
