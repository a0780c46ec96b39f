// The job wrapper, run as a worker node runs it: every phase, every way to fail, and nothing left behind.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseRecord, type ResultRecord, renderRecord } from '../src/lib/wrapper/record.ts';
import { type JobSpec, quote, renderSpec } from '../src/lib/wrapper/spec.ts';
import { isRunning, simpleSpec, until } from './contracts/backend.ts';

const script = resolve(import.meta.dirname, '../src/lib/wrapper/wrapper.sh');
const shells = ['/bin/dash', '/bin/bash'].filter((shell) => existsSync(shell));
const root = process.getuid?.() === 0;

let folder: string;
let spool: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "dflow wrapper's-"));
  spool = join(folder, 'spool');
  for (const name of ['started', 'result/tmp', 'result/new', 'scratch'])
    mkdirSync(join(spool, name), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const spec = (command: string, more: Partial<JobSpec> = {}): JobSpec => simpleSpec('k.0', command, folder, more);

interface Start {
  readonly shell?: string;
  readonly mode?: string;
  readonly scratch?: string;
  readonly spool?: string;
}

function start(job: JobSpec | string, options: Start = {}): ChildProcess {
  const file = join(folder, 'k.0');
  const text = typeof job === 'string' ? job : renderSpec(job);
  // Several starts of one job read one file: it must not be written under their eyes.
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
  const where = options.spool ?? spool;
  const log = join(folder, 'log');
  const shell = quote(options.shell ?? '/bin/sh');
  const args = [script, file, where, options.mode ?? 'once', log, options.scratch ?? join(where, 'scratch')].map(quote);
  return spawn('/bin/sh', ['-c', `exec ${shell} ${args.join(' ')} >>${quote(log)} 2>&1`], { detached: true });
}

function ended(child: ChildProcess): Promise<number | null> {
  return new Promise((done) => child.on('exit', (code) => done(code)));
}

function records(where = spool): ResultRecord[] {
  const names = readdirSync(join(where, 'result/new'));
  return names.map((name) => parseRecord(readFileSync(join(where, 'result/new', name), 'utf8')));
}

/** Runs a job to its end; its record. */
async function run(job: JobSpec | string, options: Start = {}): Promise<ResultRecord> {
  const code = await ended(start(job, options));
  const found = records(options.spool);
  expect(found.length, `exit ${code}: ${readFileSync(join(folder, 'log'), 'utf8')}`).toBe(1);
  expect(code).toBe(0);
  return found[0]!;
}

/** Everything below the storage element, and below the scratch folder. */
const stored = (): string[] => readdirSync(join(folder, 'se'), { recursive: true }) as string[];
const storedFiles = (): string[] => stored().filter((name) => name.endsWith('.txt'));
const leftovers = (): string[] => readdirSync(join(spool, 'scratch'));

describe.each(shells)('%s', (shell) => {
  test('a job that ends well stores its outputs and says what it stored', async () => {
    const job = spec('echo hello > "$OUT_out"; printf "%s" "$DFLOW_RUN" > "$OUT_second"', {
      outputs: [
        { type: 'out', name: 'out.txt' },
        { type: 'second', name: 'b-1.txt' },
      ],
      env: { DFLOW_RUN: '109134' },
    });
    const record = await run(job, { shell });
    expect(record).toMatchObject({ key: 'k.0', phase: 'done', exit: 0, reason: '' });
    expect(record.host).toBe(execFileSync('uname', ['-n'], { encoding: 'utf8' }).trim());
    expect(record.execution).toMatch(/^[0-9a-f]{24}$/);
    expect(record.outputs.map(({ type, size }) => [type, size])).toEqual([
      ['out', 6],
      ['second', 6],
    ]);
    for (const { path, checksum } of record.outputs) {
      const bytes = readFileSync(join(folder, 'se', path));
      expect(checksum).toBe(`md5:${createHash('md5').update(bytes).digest('hex')}`);
    }
    expect(record.outputs[1]!.path).toBe(`jobs/k.0/${record.execution}/b-1.txt`);
    expect(leftovers()).toEqual([]);
  });

  test('its time is measured', async () => {
    const record = await run(spec('sleep 0.3; i=0; while [ $i -lt 60000 ]; do i=$((i+1)); done; echo x > "$OUT_out"'), {
      shell,
    });
    expect(record.wall).toBeGreaterThanOrEqual(0.3);
    expect(record.cpu).toBeGreaterThan(0);
    expect(record.cpu).toBeLessThan(record.wall + 0.05);
  });

  test('a signal stops the payload and the record says so', async () => {
    const child = start(spec(`echo $$ > ${quote(join(folder, 'pid'))}; sleep 300`), { shell });
    const pid = await until('the payload', async () => {
      const path = join(folder, 'pid');
      return (existsSync(path) && Number(readFileSync(path, 'utf8'))) || undefined;
    });
    child.kill('SIGTERM');
    expect(await ended(child)).toBe(0);
    expect(records()).toMatchObject([{ phase: 'killed', exit: 143, signal: 15, outputs: [] }]);
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(leftovers()).toEqual([]);
    expect(storedFiles()).toEqual([]);
  });

  test('a key starts once', async () => {
    const job = spec(`echo ran >> ${quote(join(folder, 'ran'))}; echo x > "$OUT_out"`);
    const codes = await Promise.all(Array.from({ length: 8 }, () => ended(start(job, { shell }))));
    expect(codes.sort()).toEqual([0, 75, 75, 75, 75, 75, 75, 75]);
    expect(readFileSync(join(folder, 'ran'), 'utf8')).toBe('ran\n');
    expect(await ended(start(job, { shell }))).toBe(75);
    expect(readdirSync(join(spool, 'started'))).toEqual(['k.0']);
  });
});

test('where a batch system restarts jobs by itself, each start has its own mark, record and output folder', async () => {
  const job = spec('echo x > "$OUT_out"');
  expect(await ended(start(job, { mode: 'again' }))).toBe(0);
  expect(await ended(start(job, { mode: 'again' }))).toBe(0);
  const [one, two] = records();
  expect(one!.execution).not.toBe(two!.execution);
  expect(readdirSync(join(spool, 'started')).length).toBe(2);
  expect(storedFiles().length).toBe(2);
});

describe('payload', () => {
  test.each([
    ['exit 3', { exit: 3, reason: 'exit 3' }],
    ['exit 137', { exit: 137, signal: 9, reason: 'exit 137: killed by signal 9' }],
    ['kill -9 $$', { exit: 137, signal: 9 }],
    ['no-such-command-here', { exit: 127, reason: 'exit 127: command not found' }],
    ['/etc/passwd', { exit: 126, reason: 'exit 126: a command is not executable' }],
    ["echo 'unclosed", { exit: 2 }],
  ])('%s', async (command, wanted) => {
    const record = await run(spec(`${command}`));
    expect(record).toMatchObject({ phase: 'payload', outputs: [], ...wanted });
    expect(leftovers()).toEqual([]);
    expect(storedFiles()).toEqual([]);
  });

  test('a failure carries the last lines of its log, clean for a terminal', async () => {
    const record = await run(
      spec('for i in $(seq 1 100); do echo line $i; done; printf "\\033[31mred\\r\\n" >&2; exit 1'),
    );
    const lines = record.tail!.split('\n');
    expect(lines.length).toBe(20);
    expect(lines.at(-1)).toBe('[31mred');
    expect(lines.at(-2)).toBe('line 100');
  });

  test('past its limit it is ended, with its children', async () => {
    const pid = join(folder, 'pid');
    const job = spec('sh -c \'echo $$ > "$PIDFILE"; exec sleep 300\' & wait', { limit: 1, env: { PIDFILE: pid } });
    expect(await run(job)).toMatchObject({ phase: 'payload', exit: 124, reason: 'ran past its limit of 1 s' });
    await until('the end of its child', async () => !isRunning(Number(readFileSync(pid, 'utf8'))) || undefined);
  });

  test('exit 124 within the limit is its own exit', async () => {
    const record = await run(spec('exit 124', { limit: 100 }));
    expect(record).toMatchObject({ phase: 'payload', exit: 124, reason: 'exit 124' });
  });

  test('within its limit it ends well', async () => {
    expect(await run(spec('echo x > "$OUT_out"', { limit: 100 }))).toMatchObject({ phase: 'done' });
  });

  test('the set-up reaches the payload, whatever it does to its shell', async () => {
    const env = join(folder, 'env.sh');
    writeFileSync(env, 'export RELEASE=7.0.8\ncd /\nset -e\nfinish() { exit 9; }\n');
    const job = spec('printf "%s" "$RELEASE" > "$OUT_out"', { setup: `source ${quote(env)}` });
    expect(await run(job)).toMatchObject({ phase: 'done', outputs: [{ size: 5 }] });
    expect(leftovers()).toEqual([]);
  });

  test.each(['false', 'exit 5', '. /no/such/release/env.sh', 'no-such-command'])(
    'set-up that fails: %s',
    async (setup) => {
      const ran = join(folder, 'ran');
      const record = await run(spec(`echo x > ${quote(ran)}`, { setup }));
      expect(record).toMatchObject({ phase: 'setup', outputs: [] });
      expect(record.exit).not.toBe(0);
      expect(existsSync(ran)).toBe(false);
      expect(leftovers()).toEqual([]);
    },
  );
});

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
    rmSync(join(spool, 'result/new/k.0'));
    rmSync(join(spool, 'started/k.0'));
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

  test('none left: each one is named with its reason', async () => {
    writeFileSync(join(folder, 'file'), '');
    const destinations = [
      place('one'),
      place('tape', 'srm'),
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
    rmSync(join(spool, 'result/new/k.0'));
    rmSync(join(spool, 'started/k.0'));
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
      const again = () => {
        rmSync(join(spool, 'result/new/k.0'), { force: true });
        rmSync(join(spool, 'started/k.0'), { force: true });
      };
      // The payload fills the scratch folder and fails by itself.
      const filled = await run(spec('dd if=/dev/zero of="$OUT_out" bs=64k'), { scratch: join(disk, 'scratch') });
      expect(filled).toMatchObject({ phase: 'payload', exit: 1, tail: expect.stringContaining('No space left') });
      expect(readdirSync(join(disk, 'scratch'))).toEqual([]);
      again();
      // The storage element is full: the part that was written is removed.
      const destination = { storage: 'full', protocol: 'posix', folder: join(disk, 'se/x'), path: 'x' };
      const refused = await run(spec('head -c 400000 /dev/zero > "$OUT_out"', { destinations: [destination] }));
      expect(refused.phase).toBe('stage-out');
      expect(refused.reason).toContain('No space left on device');
      expect(readdirSync(join(disk, 'se/x'))).toEqual([]);
      again();
      // The spool is full: no record can be written, and the exit code says so.
      const small = join(disk, 'spool');
      for (const name of ['started', 'result/tmp', 'result/new', 'scratch'])
        mkdirSync(join(small, name), { recursive: true });
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

describe('job file', () => {
  test('cut off anywhere: the payload never runs', async () => {
    const ran = join(folder, 'ran');
    const text = renderSpec(spec(`echo x > ${quote(ran)}`));
    for (let length = 0; length < text.length - 1; length += 37) {
      rmSync(join(spool, 'started/k.0'), { force: true });
      const code = await ended(start(text.slice(0, length)));
      const found = records();
      if (code === 0) expect(found).toMatchObject([{ key: 'k.0', phase: 'lost', reason: 'the job file is damaged' }]);
      rmSync(join(spool, 'result/new/k.0'), { force: true });
    }
    expect(existsSync(ran)).toBe(false);
  });

  test('not there: nothing starts, no mark', async () => {
    const child = spawn('/bin/sh', [script, join(folder, 'nothing'), spool]);
    expect(await ended(child)).toBe(75);
    expect(readdirSync(join(spool, 'started'))).toEqual([]);
  });
});

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
