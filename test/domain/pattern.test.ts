// The pure rules about file names and runs: patterns and guesses, run types, identities, the keep rule, placement.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { guidOf, outputLfn, rawLfn, uuid5 } from '../../src/lib/domain/data/identity.ts';
import { MAX_RUN } from '../../src/lib/domain/ids.ts';
import { guess, guessPattern } from '../../src/lib/domain/runs/guess.ts';
import { keepRun } from '../../src/lib/domain/runs/keep.ts';
import { compilePattern, literal } from '../../src/lib/domain/runs/pattern.ts';
import { firstReference, misplaced } from '../../src/lib/domain/runs/placement.ts';
import { maskOf, RUN_TYPES, typesOf } from '../../src/lib/domain/runs/runtypes.ts';
import { ConfigError } from '../../src/lib/util/errors.ts';

describe('patterns', () => {
  test('a padded pattern finds its own files and no others', () => {
    const pattern = compilePattern('SNOP_{run:10}_{subrun:3}.l2.zdab');
    expect(pattern.parse('SNOP_0000109134_002.l2.zdab')).toEqual({ run: 109134, subrun: 2 });
    expect(pattern.parse('SNOP_0000109134_1000.l2.zdab')).toEqual({ run: 109134, subrun: 1000 });
    for (const name of [
      'SNOP_0000109134_002.zdab',
      'SNOP_0000109134_02.l2.zdab',
      'SNOP_0000109134_0002.l2.zdab',
      'SNOP_109134_002.l2.zdab',
      'SNOP_0000109134_002xl2.zdab',
      'SNOP_0000109134_002.l2.zdab_closed',
      'SNOP_0000109134_002.l2.zdab\n',
      '\nSNOP_0000109134_002.l2.zdab',
      'SNOP_0000109134_-02.l2.zdab',
      '',
    ]) {
      expect(pattern.parse(name), name).toBeUndefined();
    }
  });

  test('the subrun may be left out, and is 0', () => {
    const pattern = compilePattern('run{run}.dat');
    expect(pattern.hasSubrun).toBe(false);
    expect(pattern.parse('run17.dat')).toEqual({ run: 17, subrun: 0 });
    expect(pattern.format(17)).toBe('run17.dat');
  });

  test('odd literals stand for themselves', () => {
    const pattern = compilePattern("-a $(b) '{{{run}}}' [x]*.{subrun}");
    expect(pattern.format(3, 4)).toBe("-a $(b) '{3}' [x]*.4");
    expect(pattern.parse("-a $(b) '{3}' [x]*.4")).toEqual({ run: 3, subrun: 4 });
  });

  test('format and parse are inverse for any text around the fields', () => {
    const text = fc.string({ maxLength: 6 }).filter((s) => !/[\d/]/.test(s));
    const width = fc.option(fc.integer({ min: 2, max: 12 }), { nil: undefined });
    const field = (name: string, w: number | undefined): string => `{${name}${w === undefined ? '' : `:${w}`}}`;
    fc.assert(
      fc.property(
        fc.tuple(
          text,
          text.filter((s) => s !== ''),
          text,
          width,
          width,
        ),
        fc.integer({ min: 0, max: MAX_RUN }),
        fc.integer({ min: 0, max: 99_999 }),
        fc.boolean(),
        ([a, b, c, w1, w2], run, subrun, swap) => {
          const fields = [field('run', w1), field('subrun', w2)];
          if (swap) fields.reverse();
          const pattern = compilePattern(`${literal(a)}${fields[0]}${literal(b)}${fields[1]}${literal(c)}`);
          expect(pattern.parse(pattern.format(run, subrun))).toEqual({ run, subrun });
        },
      ),
    );
  });

  test('fields that touch are told apart by their width', () => {
    expect(compilePattern('{run:6}{subrun:3}.dat').parse('109134002.dat')).toEqual({ run: 109134, subrun: 2 });
    expect(() => compilePattern('{run}{subrun:3}.dat')).toThrow(/where \{run\} ends/);
  });

  test.each([
    ['data.bin', /no \{run\}/],
    ['{run}_{run}', /\{run\} 2 times/],
    ['{run}_{subrum:3}', /unknown field \{subrum:3\}/],
    ['{run:x}', /bad width/],
    ['{run:16}', /bad width/],
    ['{run', /lone \{/],
    ['run{run}}.dat', /lone \}/],
    ['{}{run}', /lone \{\}/],
    ['{run}/{subrun}.dat', /has a \//],
  ])('%s is refused', (source, message) => {
    expect(() => compilePattern(source)).toThrow(message);
    expect(() => compilePattern(source)).toThrow(ConfigError);
  });

  test('a misspelt field is answered with what was meant', () => {
    const error = catching(() => compilePattern('{run}_{subrum}'));
    expect(error).toMatchObject({ hint: 'did you mean subrun?' });
  });
});

describe('guessing a pattern', () => {
  // Names of real experiments.
  test.each([
    ['F{run:8}_{subrun:4}.mdaq.root', 'F00034567_0000.mdaq.root F00034567_0001.mdaq.root F00034568_0000.mdaq.root'],
    ['P{run:7}_{subrun:4}.raw', 'P0012345_0001.raw P0012345_0002.raw P0012346_0001.raw'],
    ['{run}_{subrun:10}.raw', '123456_0000000001.raw 123456_0000000002.raw 123457_0000000003.raw'],
    ['det{subrun}_{run}.dat', 'det1_5001.dat det2_5001.dat det1_5002.dat det2_5002.dat'],
    ['r{run}_s{subrun}.dat', 'r12_s1.dat r12_s2.dat r13_s1.dat'],
    ['cosmic-{*}_{run:3}.h5', 'cosmic-2026-11-03_001.h5 cosmic-2026-11-03_002.h5 cosmic-2026-11-04_003.h5'],
    ['run{run:3}.dat', 'run001.dat run002.dat run003.dat calib001.dat calib002.dat'],
    [undefined, '20261103_120000.h5 20261103_130000.h5 20261104_090000.h5'],
    [undefined, '2021-03-04T05:06:07.123.fits 2021-03-04T05:06:08.456.fits'],
    [
      'np02_raw_run{run:6}_{subrun:4}_{*}.hdf5',
      'np02_raw_run012345_0000_20211105T123456.hdf5 np02_raw_run012345_0001_20211105T123556.hdf5 np02_raw_run012346_0000_20211105T133456.hdf5',
    ],
  ])('%s from %s', (pattern, names) => {
    expect(guessPattern(names.split(' '))).toBe(pattern);
  });

  test('{*} is any text, and must not touch a field', () => {
    const { parse } = compilePattern('run{run}_{*}.dat');
    expect(parse('run12_20211105T123456.dat')).toEqual({ run: 12, subrun: 0 });
    expect(parse('run12.dat')).toBeUndefined();
    expect(() => compilePattern('run{run}{*}.dat')).toThrow('does not say where {run} ends');
  });

  const snop = [109134, 109135, 109136].flatMap((run) => [0, 1].map((s) => `SNOP_0000${run}_00${s}.l2.zdab`));
  test.each([
    ['padded', snop, 'SNOP_{run:10}_{subrun:3}.l2.zdab'],
    ['unpadded', ['run8_0.dat', 'run9_0.dat', 'run10_0.dat', 'run10_1.dat'], 'run{run}_{subrun}.dat'],
    ['one number', Array.from({ length: 20 }, (_, i) => `run${i + 1}.txt`), 'run{run}.txt'],
    ['few runs of many files', [5, 6].flatMap((r) => [0, 1, 2, 3].map((s) => `d${r}-${s}.raw`)), 'd{run}-{subrun}.raw'],
    ['subrun first', ['sub0_run7.d', 'sub1_run7.d', 'sub0_run8.d'], 'sub{subrun}_run{run}.d'],
    [
      'strangers',
      [...snop, 'README.txt', 'notes2', '.hidden1', `${snop[0]}_closed`],
      'SNOP_{run:10}_{subrun:3}.l2.zdab',
    ],
    ['a single file', ['SNOP_0000109134_002.l2.zdab'], 'SNOP_{run:10}_{subrun:3}.l2.zdab'],
    ['a single short name', ['run12.dat'], 'run{run}.dat'],
    ['braces', ['{a}1', '{a}2'], '{{a}}{run}'],
  ])('%s', (_, names, expected) => {
    const pattern = guessPattern(names);
    expect(pattern).toBe(expected);
    const compiled = compilePattern(expected);
    const strangers = new Set(['README.txt', 'notes2', '.hidden1', `${snop[0]}_closed`]);
    for (const name of names) expect(compiled.parse(name) !== undefined, name).toBe(!strangers.has(name));
  });

  // What names leave open is a doubt, with the patterns that may be meant.
  test.each([
    ['dates', ['{run}_{subrun:6}.h5'], '20261103_120000.h5 20261103_130000.h5 20261104_090000.h5'],
    ['dates', [], '2021-03-04T05:06:07.123.fits 2021-03-04T05:06:08.456.fits'],
    ['dates', ['data_{run}.dat'], 'data_20261103.dat data_20261104.dat'],
    ['dates', [], 'cosmic-2026-11-03.h5 cosmic-2026-11-04.h5'],
    ['long', ['run_20{run:10}.dat'], 'run_202411260001.dat run_202411260002.dat'],
    ['numbers', ['a_{run}_{subrun}.dat', 'a_{subrun}_{run}.dat'], 'a_11_51.dat a_12_51.dat a_11_52.dat a_12_52.dat'],
    ['names', ['cal{run}.dat', 'ev{run}.dat'], 'cal1.dat cal2.dat ev1.dat ev2.dat'],
    ['one', ['data_5_{run}.root', 'data_{run}_{subrun}.root'], 'data_5_12.root'],
    ['twins', ['c-{*}_{run:3}.h5'], 'c-2026-11-03_001.h5 c-2026-11-03_002.h5 c-2026-11-04_001.h5'],
    ['twins', ['D_{run:3}.g3'], 'D_000.g3 D_001.g3 D_000.g3'],
    [undefined, ['run{run:3}.dat'], 'run001.dat run002.dat calib001.dat calib002.dat calib003.dat'],
    [undefined, ['d{run}.dat'], 'd1.dat d2.dat d1.dat.md5 d2.dat.md5 d1.json d2.json'],
    [undefined, ['run{run}.txt'], 'run1.txt run2.txt'],
  ])('doubt %s, patterns %j: %s', (doubt, patterns, names) => {
    const found = guess(names.split(' '));
    expect([found.doubt, found.patterns.slice(0, 2)]).toEqual([doubt, patterns]);
  });

  test('of three numbers that vary, the pairs that tell all files apart may be meant', () => {
    const names = [1, 2].flatMap((a) => [0, 1].map((b) => `ev${a}_run${100 + a}_${b}.dat`));
    const { doubt, patterns } = guess(names);
    expect(doubt).toBe('many');
    expect(patterns[0]).toBe('ev{*}_run{run}_{subrun}.dat');
    expect(guessPattern(names)).toBeUndefined();
  });

  test('names as experiments make them are read as they are meant, or are in doubt', () => {
    const word = fc.constantFrom('SNOP_', 'F', 'P', 'run', 'r', 'np02_raw_run', 'data-', 'cosmic_run', '');
    const between = fc.constantFrom('_', '-', '.', '_s', '_f', '_part', '_subrun');
    const date = fc.constantFrom('', '_20211105T123456', '-2026-11-03', '_20261103_120000');
    const ending = fc.constantFrom('.dat', '.mdaq.root', '.h5', '.l2.zdab', '.raw.gz');
    const runs = fc.uniqueArray(fc.integer({ min: 100, max: 999_999 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.tuple(word, between, date, ending),
        fc.tuple(fc.integer({ min: 6, max: 10 }), fc.integer({ min: 1, max: 4 })),
        runs,
        fc.integer({ min: 2, max: 4 }),
        fc.boolean(),
        ([before, middle, day, end], [wide, narrow], numbers, subruns, shuffled) => {
          const all = numbers.flatMap((run) =>
            Array.from({ length: subruns }, (_, subrun) => {
              const digits = [String(run).padStart(wide, '0'), String(subrun).padStart(narrow, '0')];
              return { run, subrun, name: `${before}${digits[0]}${middle}${digits[1]}${day}${end}` };
            }),
          );
          if (shuffled) all.reverse();
          const { doubt, patterns } = guess(all.map(({ name }) => name));
          if (doubt !== undefined) return;
          const { parse } = compilePattern(patterns[0]!);
          for (const { run, subrun, name } of all)
            expect(parse(name), `${name} as ${patterns[0]}`).toEqual({ run, subrun });
        },
      ),
      { numRuns: 400 },
    );
  });

  test.each([[[]], [['README', 'notes']], [['a1_b1_c1', 'a2_b2_c2']]])('%j: no guess', (names) => {
    expect(guessPattern(names)).toBeUndefined();
  });
});

test('run types are the names of the bits', () => {
  expect(typesOf(0b100)).toEqual(['Physics']);
  expect(typesOf(0b101010)).toEqual(['Transition', 'Deployed Source', 'ECA']);
  expect(typesOf(0)).toEqual([]);
  expect(typesOf(2 ** 31 + 1, ['a'])).toEqual(['a', 'bit 31']);
  expect(maskOf(['Physics', 'ECA', 'ECA'])).toBe(0b100100);
  expect(maskOf(['Phisics'])).toBeUndefined();
  for (const [bit, name] of RUN_TYPES.entries()) expect(maskOf([name])).toBe(2 ** bit);
});

describe('identity', () => {
  test('UUID version 5 as in RFC 9562', () => {
    expect(uuid5('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe(
      '2ed6657d-e927-568b-95e1-2665a8aea6a2',
    );
  });
  test('one LFN, one GUID; another experiment, another GUID', () => {
    const lfn = rawLfn('snoplus', 'L1', 109134, 'SNOP_0000109134_002.zdab');
    expect(lfn).toBe('/snoplus/raw/L1/0000109134/SNOP_0000109134_002.zdab');
    expect(guidOf('snoplus', lfn)).toBe(guidOf('snoplus', lfn));
    expect(guidOf('theia', lfn)).not.toBe(guidOf('snoplus', lfn));
    expect(guidOf('snoplus', lfn)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(outputLfn('e', '1.0', 'Count', 7, 'x')).toBe('/e/output/1.0/Count/0000000007/x');
  });
});

describe('the keep rule', () => {
  test('a run kept at one share is kept at every larger one', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: MAX_RUN }), share, share, (run, a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        if (keepRun(run, low).kept) expect(keepRun(run, high).kept).toBe(true);
      }),
    );
  });
  test('10 % is every tenth run or so, without long rows', () => {
    const kept = Array.from({ length: 100_000 }, (_, i) => 100_000 + i).filter((run) => keepRun(run, 0.1).kept);
    expect(kept.length).toBeGreaterThan(9_990);
    expect(kept.length).toBeLessThan(10_010);
    const steps = kept.slice(1).map((run, i) => run - (kept[i] ?? 0));
    expect(Math.max(...steps)).toBeLessThan(20);
    expect(Math.min(...steps)).toBeGreaterThan(3);
  });
  test('all and none', () => {
    expect(keepRun(7, 1)).toEqual({ kept: true, rule: 'all' });
    expect(keepRun(0, 0).kept).toBe(false);
    expect(keepRun(7, 0.1).rule).toBe('10 % by run number');
  });
});

describe('placement', () => {
  const rules = { first: 100, last: 1_000_000, maxJump: 1000 };
  test('range and jump', () => {
    expect(misplaced(99, undefined, rules)?.reason).toBe('out-of-range');
    expect(misplaced(1_000_001, undefined, rules)?.reason).toBe('out-of-range');
    expect(misplaced(900_000, undefined, rules)).toBeUndefined();
    expect(misplaced(6000, 5000, rules)).toBeUndefined();
    expect(misplaced(6001, 5000, rules)).toMatchObject({
      reason: 'beyond-max-jump',
      detail: expect.stringContaining('6001'),
    });
    expect(misplaced(200, 5000, rules)).toBeUndefined();
    expect(misplaced(MAX_RUN + 1, undefined, { ...rules, last: 1e15 })?.reason).toBe('out-of-range');
  });
  test('without a reference the largest group speaks, not the absurd ones around it', () => {
    expect(firstReference([150, 5000, 5001, 5001, 900_000, 900_001, 1e14], rules)).toBe(5000);
    expect(firstReference([], rules)).toBeUndefined();
    expect(firstReference([7], rules)).toBeUndefined();
  });
});

function catching(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}
