// The job wrapper's files: any input name, every wrong output, and staging out to storage that fails.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quote, renderSpec } from '../../src/lib/wrapper/spec.ts';
import {
  ended,
  folder,
  forget,
  leftovers,
  makeSpool,
  run,
  setUp,
  spec,
  spool,
  start,
  stored,
  tearDown,
} from '../support/worker.ts';

const root = process.getuid?.() === 0;

beforeEach(setUp);
afterEach(tearDown);

describe('inputs', () => {
  const names = [
    'plain',
    'with space',
    "quo'te",
    'dou"ble',
    '$(touch owned)',
    '-rf',
    '*',
    'new\nline',
    '\\n',
    '`id`',
    'ünï',
  ];

  test.each([false, true])('any file name reaches the payload as it is (copied: %s)', async (copy) => {
    const raw = join(folder, 'raw');
    mkdirSync(raw);
    for (const name of names) writeFileSync(join(raw, name), `${name}|`);
    const inputs = names.map((name) => ({ source: join(raw, name), name, copy }));
    const record = await run(spec('cat -- "$@" > "$OUT_out"; echo $# >&2', { inputs }));
    expect(record).toMatchObject({ phase: 'done' });
    const text = readFileSync(join(folder, 'se', record.outputs[0]!.path), 'utf8');
    expect(text).toBe(names.map((name) => `${name}|`).join(''));
    expect(readFileSync(join(folder, 'log'), 'utf8')).toBe(`${names.length}\n`);
  });

  test.each([false, true])('a missing one is named (copied: %s)', async (copy) => {
    const inputs = [{ source: '/no/such\nfile', name: 'file', copy }];
    const record = await run(spec('echo x > "$OUT_out"', { inputs }));
    expect(record.phase).toBe('stage-in');
    expect(record.reason).toContain('/no/such file');
    expect(leftovers()).toEqual([]);
  });

  test('files of the module are linked beside it', async () => {
    const tool = join(folder, 'plot it.sh');
    writeFileSync(tool, '#!/bin/sh\necho plotted > "$1"\n');
    chmodSync(tool, 0o755);
    expect(await run(spec('"./plot it.sh" "$OUT_out"', { files: [tool] }))).toMatchObject({ phase: 'done' });
  });

  test('files that came with the job lie where the wrapper was started', async () => {
    writeFileSync(join(folder, 'plot it.sh'), 'echo plotted > "$1"\n');
    const job = renderSpec(spec('sh "./plot it.sh" "$OUT_out"', { files: ['plot it.sh'] }));
    expect(await run(`cd ${quote(folder)}\n${job}`)).toMatchObject({ phase: 'done' });
  });

  test('values of the environment are passed as they are', async () => {
    const value = `a'b"c$(id)\n\`x\` \\ -n`;
    const record = await run(spec('printf "%s" "$ODD" > "$OUT_out"', { env: { ODD: value, work: '/nowhere' } }));
    expect(readFileSync(join(folder, 'se', record.outputs[0]!.path), 'utf8')).toBe(value);
  });

  test('quoting means exactly the text', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
        (text) => {
          expect(execFileSync('/bin/sh', ['-c', `printf %s ${quote(text)}`], { encoding: 'utf8' })).toBe(text);
        },
      ),
      { numRuns: 50 },
    );
  });

  test('names that cannot be used are refused before anything runs', () => {
    expect(() => renderSpec(spec('', { outputs: [{ type: 'out', name: '../x' }] }))).toThrow(/output name "..\/x"/);
    expect(() => renderSpec(spec('', { outputs: [{ type: 'a b', name: 'x' }] }))).toThrow(/output type/);
    expect(() => renderSpec(spec('', { env: { 'A=1;B': '' } }))).toThrow(/environment variable/);
    expect(() => renderSpec({ ...spec(''), key: '../../x' })).toThrow(/job key/);
    expect(() => renderSpec(spec('a\0b'))).toThrow(/NUL/);
  });
});

describe('outputs', () => {
  test('none written: each is named', async () => {
    const record = await run(spec('true'));
    expect(record).toMatchObject({
      phase: 'outputs',
      exit: 1,
      reason: 'missing output out (out.txt); found: nothing else',
    });
    expect(stored().filter((name) => name.includes(record.execution))).toEqual([]);
  });

  test('under a wrong name: what was found instead is named, inputs are not', async () => {
    const inputs = [{ source: '/etc/passwd', name: 'in.dat', copy: true }];
    const record = await run(spec('echo x > counts.txt; echo y > "odd\nname"', { inputs, files: ['/etc/group'] }));
    expect(record.phase).toBe('outputs');
    expect(record.reason).toBe('missing output out (out.txt); found: counts.txt, odd name');
  });

  test('empty, and a folder in its place', async () => {
    expect(await run(spec(': > "$OUT_out"'))).toMatchObject({
      phase: 'outputs',
      reason: expect.stringContaining('empty output out'),
    });
    forget();
    expect(await run(spec('mkdir "$OUT_out"'))).toMatchObject({
      phase: 'outputs',
      reason: expect.stringContaining('missing output out'),
    });
  });

  test('a job that declares none is done', async () => {
    expect(await run(spec('true', { outputs: [] }))).toMatchObject({ phase: 'done', outputs: [] });
  });
});

describe('stage out', () => {
  const place = (storage: string, protocol = 'posix') => ({
    storage,
    protocol,
    folder: join(folder, storage, 'a/b'),
    path: 'a/b',
  });

  test('goes to the next storage element when one is not mounted, and never makes its folder', async () => {
    mkdirSync(join(folder, 'two'));
    const record = await run(spec('echo x > "$OUT_out"', { destinations: [place('one'), place('two')] }));
    expect(record).toMatchObject({ phase: 'done', outputs: [{ storage: 'two' }] });
    expect(existsSync(join(folder, 'one'))).toBe(false);
    expect(existsSync(join(folder, 'two', record.outputs[0]!.path))).toBe(true);
  });

  test('files have the mode of their storage element', async () => {
    mkdirSync(join(folder, 'two'));
    const record = await run(spec('echo x > "$OUT_out"', { destinations: [{ ...place('two'), option: '0640' }] }));
    expect(record).toMatchObject({ phase: 'done' });
    expect(statSync(join(folder, 'two', record.outputs[0]!.path)).mode & 0o777).toBe(0o640);
  });

  test('none left: each one is named with its reason', async () => {
    writeFileSync(join(folder, 'file'), '');
    const destinations = [
      place('one'),
      { ...place('tape', 'srm'), folder: 'srm://tape/x' },
      { ...place('two'), folder: join(folder, 'file/x'), path: 'x' },
    ];
    const record = await run(spec('echo x > "$OUT_out"', { destinations }));
    expect(record.phase).toBe('stage-out');
    expect(record.reason).toMatch(/^one: .*one is not there; tape: .*protocol srm; two: .*file is not there$/);
    expect(leftovers()).toEqual([]);
  });

  test('a copy that differs from its original is removed, and the next storage element is used', async () => {
    // A dd that spoils what it writes to the first storage element.
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    mkdirSync(join(folder, 'one'));
    mkdirSync(join(folder, 'two'));
    const dd = execFileSync('sh', ['-c', 'command -v dd'], { encoding: 'utf8' }).trim();
    writeFileSync(
      join(bin, 'dd'),
      `#!/bin/sh\n${dd} "$@" || exit\ncase $2 in */one/*) echo rot >> "\${2#of=}" ;; esac\n`,
    );
    chmodSync(join(bin, 'dd'), 0o755);
    const job = renderSpec(spec('echo x > "$OUT_out"', { destinations: [place('one'), place('two')] }));
    const record = await run(`PATH=${quote(bin)}:$PATH\n${job}`);
    expect(record).toMatchObject({ phase: 'done', outputs: [{ storage: 'two', size: 2 }] });
    expect(readdirSync(join(folder, 'one'), { recursive: true })).toEqual(['a', 'a/b']);
    forget();
    const failed = await run(
      `PATH=${quote(bin)}:$PATH\n${renderSpec(spec('echo x > "$OUT_out"', { destinations: [place('one')] }))}`,
    );
    expect(failed).toMatchObject({ phase: 'stage-out', reason: 'one: a copy differs from its original' });
  });

  test.runIf(root)('a full disk: scratch, storage or spool, always a clear end', async () => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk]);
    try {
      mkdirSync(join(disk, 'scratch'));
      mkdirSync(join(disk, 'se'));
      // The payload fills the scratch folder and fails by itself.
      const filled = await run(spec('dd if=/dev/zero of="$OUT_out" bs=64k'), { scratch: join(disk, 'scratch') });
      expect(filled).toMatchObject({ phase: 'payload', exit: 1, tail: expect.stringContaining('No space left') });
      expect(readdirSync(join(disk, 'scratch'))).toEqual([]);
      forget();
      // The storage element is full: the part that was written is removed.
      const destination = { storage: 'full', protocol: 'posix', folder: join(disk, 'se/x'), path: 'x' };
      const refused = await run(spec('head -c 400000 /dev/zero > "$OUT_out"', { destinations: [destination] }));
      expect(refused.phase).toBe('stage-out');
      expect(refused.reason).toContain('No space left on device');
      expect(readdirSync(join(disk, 'se/x'))).toEqual([]);
      forget();
      // The spool is full: no record can be written, and the exit code says so.
      const small = join(disk, 'spool');
      makeSpool(small);
      const fill = `head -c 1000000 /dev/zero > ${quote(join(disk, 'filler'))}; echo x > "$OUT_out"`;
      const code = await ended(start(spec(fill), { spool: small, scratch: join(spool, 'scratch') }));
      expect(code).toBe(74);
      expect(readdirSync(join(small, 'result/new'))).toEqual([]);
      expect(leftovers()).toEqual([]);
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
