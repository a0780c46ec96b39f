// The job wrapper, run as a worker node runs it: starts, signals, the payload and its failures, nothing left behind.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quote, renderSpec } from '../../src/lib/wrapper/spec.ts';
import { isRunning, until } from '../contracts/backend.ts';
import {
  ended,
  folder,
  forget,
  leftovers,
  records,
  run,
  script,
  setUp,
  spec,
  spool,
  start,
  storedFiles,
  tearDown,
} from '../support/worker.ts';

const shells = ['/bin/dash', '/bin/bash'].filter((shell) => existsSync(shell));

beforeEach(setUp);
afterEach(tearDown);

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

  test.runIf(existsSync('/usr/bin/time'))('its memory is measured where it asks for an amount', async () => {
    const grow = 'x=$(head -c 30000000 /dev/zero | tr "\\0" x); echo x > "$OUT_out"';
    const record = await run(spec(grow, { memory: 100, limit: 50 }), { shell });
    expect(record).toMatchObject({ phase: 'done' });
    expect(record.maxRss).toBeGreaterThan(30_000);
    expect(record.maxRss).toBeLessThan(500_000);
    expect(leftovers()).toEqual([]);
    forget();
    const failed = await run(spec('exit 3', { memory: 100 }), { shell });
    expect(failed).toMatchObject({ phase: 'payload', exit: 3, maxRss: expect.any(Number) });
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
    const job = spec('sh -c \'echo $$ > "$PIDFILE"; exec sleep 300\' & wait', { limit: 4, env: { PIDFILE: pid } });
    expect(await run(job)).toMatchObject({ phase: 'payload', exit: 124, reason: 'ran past its limit of 4 s' });
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

  test.each([
    'false',
    'exit 5',
    '. /no/such/release/env.sh',
    'no-such-command',
  ])('set-up that fails: %s', async (setup) => {
    const ran = join(folder, 'ran');
    const record = await run(spec(`echo x > ${quote(ran)}`, { setup }));
    expect(record).toMatchObject({ phase: 'setup', outputs: [] });
    expect(record.exit).not.toBe(0);
    expect(existsSync(ran)).toBe(false);
    expect(leftovers()).toEqual([]);
  });
});

describe('job file', () => {
  test('cut off in or after any line: the payload never runs', async () => {
    const ran = join(folder, 'ran');
    const text = renderSpec(spec(`echo x > ${quote(ran)}`));
    const ends = [...text.matchAll(/\n/g)].map(({ index }) => index + 1).slice(0, -1);
    const middles = ends.map((end, at) => Math.floor((end + (ends[at - 1] ?? 0)) / 2));
    expect(ends.length).toBeGreaterThan(10);
    for (const length of [0, ...ends, ...middles]) {
      forget();
      const code = await ended(start(text.slice(0, length)));
      const found = records();
      if (code === 0) expect(found).toMatchObject([{ key: 'k.0', phase: 'lost', reason: 'the job file is damaged' }]);
    }
    expect(existsSync(ran)).toBe(false);
  });

  test.each(shells)('%s: cut at any byte of the last line, which says that it is whole', async (shell) => {
    const ran = join(folder, 'ran');
    const text = renderSpec(spec(`echo x > ${quote(ran)}`));
    const last = 'complete=yes\n';
    expect(text.endsWith(last)).toBe(true);
    for (const line of [...last.slice(0, -2)].map((_, at) => last.slice(0, at)).concat('=y', '=yes', 'complete=ye s')) {
      forget();
      const code = await ended(start(text.slice(0, -last.length) + line, { shell }));
      expect(existsSync(ran), line).toBe(false);
      if (code === 0) expect(records()).toMatchObject([{ phase: 'lost', reason: 'the job file is damaged' }]);
    }
  });

  test('not there: nothing starts, no mark', async () => {
    const child = spawn('/bin/sh', [script, join(folder, 'nothing'), spool]);
    expect(await ended(child)).toBe(75);
    expect(readdirSync(join(spool, 'started'))).toEqual([]);
  });
});
