// Faults of the disk under a SQLite store, met by the built program: what is wrong, where, and what helps, with exit 3 (2
// where a right is missing), and nothing is lost. Here since each command is a process.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  cpSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { endedExperiment } from '../support/archiving.ts';
import { BIN, dflow, environment, lines, must, removeFolders } from '../support/cli.ts';

const RUNS = 30;
const DOCUMENTS = 4 * RUNS + 2;
const PAGE = 4096;
const PAUSE = ['pause', '--all', '--why', 'test'];
const root = process.getuid?.() === 0;

let at: string;
let db: string;
let file: string;
/** The whole store, to begin again with. */
let sound: string;

beforeAll(() => {
  at = endedExperiment('sqlite:./db/dflow.db', RUNS);
  [db, file, sound] = [join(at, 'db'), join(at, 'db/dflow.db'), join(at, 'sound')];
  cpSync(db, sound, { recursive: true });
});
beforeEach(() => {
  for (const name of readdirSync(db)) rmSync(join(db, name));
  for (const name of readdirSync(sound)) cpSync(join(sound, name), join(db, name));
});
afterAll(removeFolders);

const size = () => statSync(join(sound, 'dflow.db')).size;
const said = (text: string, next: string) => expect.stringMatching(new RegExp(`${text}[^]*${file}[^]*Next: .*${next}`));
const documents = () => lines(must(at, ['store', 'export'])).filter(({ kind }) => kind !== 'loop').length;

/** As a user who obeys the mode of files: root does so without its capabilities. */
function plainUser(...args: string[]) {
  const words = [process.execPath, BIN, ...args];
  const plain = root ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', ...words] : words;
  const ran = spawnSync(plain[0]!, plain.slice(1), { cwd: at, env: environment({}, at), encoding: 'utf8' });
  return { code: ran.status, out: ran.stdout, err: ran.stderr };
}

function damage(page: number): void {
  const opened = openSync(file, 'r+');
  writeSync(opened, Buffer.alloc(PAGE, 0x5a), 0, PAGE, page * PAGE);
  closeSync(opened);
}

test('damaged pages: a command meets them and says so, or does what it should; the rest is saved and put back', () => {
  for (const page of [0, 10, size() / PAGE - 2]) {
    damage(page);
    expect(dflow(at, ['store', 'info', '--check'])).toMatchObject({
      code: 3,
      err: said('the store is damaged', 'dflow store rescue rescued.jsonl'),
    });
    for (const args of [['list', 'runs'], ['register'], PAUSE])
      expect([0, 3], args.join(' ')).toContain(dflow(at, args).code);
  }
  // What reads sound pages alone says what others have met.
  const page = dflow(at, ['status']);
  if (page.code !== 3) expect(page.out).toContain('the store is damaged, found ');
  const rescued = dflow(at, ['store', 'rescue', 'rescued.jsonl', '--json']);
  expect(rescued.code).toBe(1);
  const items = lines(rescued.out);
  const lost = items.filter(({ did }) => did === 'unreadable').length;
  expect(lost).toBeGreaterThan(0);
  must(at, ['store', 'restore', 'rescued.jsonl', '--yes'], [0, 1]);
  expect(must(at, ['status'])).not.toContain('damaged');
  must(at, ['store', 'info', '--check']);
  // With the hold on every farm; a page may have had documents that no index names.
  expect(documents()).toBeGreaterThan(DOCUMENTS - 20);
  must(at, PAUSE);
});

test('a file that was cut, or emptied: damage; a new store in its place says what is gone', () => {
  for (const length of [Math.floor(size() / 2 / PAGE) * PAGE, 0]) {
    truncateSync(file, length);
    for (const args of [['status'], PAUSE])
      expect(dflow(at, args)).toMatchObject({ code: 3, err: said('the store is damaged', 'dflow store restore FILE') });
  }
  expect(dflow(at, ['store', 'setup'])).toMatchObject({ code: 0, err: expect.stringContaining('dflow store rebuild') });
  must(at, PAUSE);
  expect(dflow(at, ['store', 'setup']).err).not.toContain('rebuild');
});

test('a lost write-ahead log: the file is older than its mark, nothing is written, and its own path takes it', () => {
  must(at, PAUSE);
  // The file as it was at the last checkpoint, and the mark of now.
  cpSync(join(sound, 'dflow.db'), file);
  for (const tail of ['-wal', '-shm', '-journal']) rmSync(`${file}${tail}`, { force: true });
  expect(dflow(at, ['resume', '--all', '--why', 'test']).code).toBe(3);
  const restore = `dflow store restore ${file}`;
  expect(dflow(at, PAUSE)).toMatchObject({ code: 3, err: said('', restore) });
  expect(dflow(at, ['store', 'info', '--check'])).toMatchObject({ code: 3, err: expect.stringContaining(restore) });
  expect(dflow(at, ['list', 'runs'])).toMatchObject({ code: 0, err: expect.stringContaining('older than it was') });
  must(at, ['store', 'restore', file, '--yes']);
  must(at, PAUSE);
});

describe('rights', () => {
  test('a folder, and a file, that may not be written: exit 2, and reading goes on', () => {
    for (const [path, verb] of [
      [db, 'write beside'],
      [file, 'write'],
    ] as const) {
      const { mode } = statSync(path);
      chmodSync(path, path === db ? 0o555 : 0o444);
      try {
        expect(plainUser(...PAUSE)).toMatchObject({
          code: 2,
          err: expect.stringContaining(`no right to ${verb} the store`),
        });
        expect(plainUser('list', 'runs').code).toBe(0);
      } finally {
        chmodSync(path, mode);
      }
    }
  });

  test('a writer was killed in the middle of a change: a reader says who must look, and the owner loses nothing', () => {
    const half = `import os, sqlite3
c = sqlite3.connect(${JSON.stringify(file)}, isolation_level=None)
c.execute('PRAGMA journal_mode=truncate')
c.execute('PRAGMA cache_size=5')
c.execute('BEGIN IMMEDIATE')
c.execute("UPDATE docs SET body = body || ' '")
os.kill(os.getpid(), 9)`;
    const before = must(at, ['store', 'export']);
    spawnSync('python3', ['-c', half]);
    expect(statSync(`${file}-journal`).size).toBeGreaterThan(0);
    chmodSync(file, 0o444);
    chmodSync(db, 0o555);
    try {
      expect(plainUser('status')).toMatchObject({
        code: 2,
        err: said('a change of the store was interrupted', 'dflow store info'),
      });
    } finally {
      chmodSync(db, 0o755);
      chmodSync(file, 0o644);
    }
    must(at, ['store', 'info']);
    expect(must(at, ['store', 'export'])).toBe(before);
  });
});

describe.runIf(root)('mounts', () => {
  test('a file system that is mounted read-only: exit 2 with the way to see it, and reading goes on', () => {
    execFileSync('mount', ['--bind', db, db]);
    try {
      execFileSync('mount', ['-o', 'remount,bind,ro', db]);
      for (const args of [PAUSE, ['chain', '--until-idle'], ['store', 'setup']])
        expect(dflow(at, args)).toMatchObject({ code: 2, err: said('mounted read-only', 'findmnt -T') });
      must(at, ['list', 'runs']);
    } finally {
      execFileSync('umount', ['-l', db]);
    }
  });

  test('a full disk: nothing is written, all can be read, and with room the same command goes on', () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', db]);
    try {
      for (const name of readdirSync(sound)) cpSync(join(sound, name), join(db, name));
      expect(() => writeFileSync(join(db, 'filler'), Buffer.alloc(2_000_000))).toThrow('ENOSPC');
      const full = { code: 3, err: said('the disk of the store is full; nothing was written', 'df -h') };
      expect(dflow(at, PAUSE)).toMatchObject(full);
      expect(dflow(at, ['chain', '--until-idle'])).toMatchObject({ code: 3 });
      expect(dflow(at, ['store', 'compact'])).toMatchObject({ code: 3, err: expect.stringContaining('df -h') });
      expect(dflow(at, ['store', 'backup', join(db, 'backup.jsonl')]).err).toContain('no space');
      expect(documents()).toBe(DOCUMENTS);
      expect(readdirSync(db)).not.toContain('backup.jsonl');
      rmSync(join(db, 'filler'));
      must(at, PAUSE);
      must(at, ['store', 'info', '--check']);
    } finally {
      execFileSync('umount', ['-l', db]);
    }
  });
});
