// The job wrapper on a worker that mounts nothing: inputs and outputs through real XRootD servers, by xrdcp and by gfal.
// Failover, spoiled files, a full disk, signals.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { quote, renderSpec, type StageIn } from '../../src/lib/wrapper/spec.ts';
import { until } from '../contracts/backend.ts';
import { ended, folder, leftovers, makeSpool, records, run, setUp, spool, start, tearDown } from '../support/worker.ts';
import {
  bareWorker,
  filesAt,
  GFAL_ROOT,
  inFront,
  input,
  isAsRecorded,
  KINDS,
  place,
  real,
  spec,
  standIn,
} from './remote-worker.ts';
import { A, B, down, FULL, freshFolder, removeFolders, up } from './servers.ts';

beforeEach(setUp);
afterEach(tearDown);
afterAll(async () => {
  up(A);
  for (const server of [A, B, FULL]) await removeFolders(server);
});

const NAMES = [
  'plain.dat',
  'with space',
  "quo'te",
  'dou"ble',
  '$(touch owned)',
  '-rf',
  '*',
  'new\nline',
  'what?',
  'a%20b',
  'a#b',
  'ünï',
  'a:b',
];

describe.each(
  [...KINDS, GFAL_ROOT].map((kind, index) => [`${kind.protocol} ${['root', 'http', 'root'][index]}`, kind] as const),
)('%s', (_, kind) => {
  test('inputs of any name come, outputs go, with the checksum that storage has', async () => {
    const at = freshFolder(A);
    const storage = await kind.open(A, at);
    const inputs: StageIn[] = [];
    for (const name of NAMES) inputs.push(await input(kind, storage, name));
    const outputs = [
      { type: 'out', name: 'out.txt' },
      { type: 'second', name: 'b-1.txt' },
    ];
    const job = spec('cat -- "$@" > "$OUT_out"; echo $# > "$OUT_second"', {
      inputs,
      outputs,
      destinations: [place(kind, storage)],
    });
    const record = await run(job);
    expect(record, record.reason).toMatchObject({
      phase: 'done',
      exit: 0,
      outputs: [{ storage: 'se' }, { storage: 'se', size: 3 }],
    });
    for (const output of record.outputs) await isAsRecorded(storage, output);
    expect(record.outputs[0]!.path).toBe(`out/p 1/${record.execution}/out.txt`);
    const text = readFileSync(join(A.data, at, record.outputs[0]!.path), 'utf8');
    expect(text).toBe(NAMES.map((name) => `${name}|`).join(''));
    expect(leftovers()).toEqual([]);
  });
});

describe.each(KINDS.map((kind) => [kind.protocol, kind] as const))('%s', (_, kind) => {
  test('an input that is missing, or is not what the catalogue says, never reaches the payload', async () => {
    const at = freshFolder(A);
    const storage = await kind.open(A, at);
    const good = await input(kind, storage, 'f', 'hello\n');
    const ran = join(folder, 'ran');
    const wrong: readonly [Partial<StageIn>, RegExp][] = [
      [{ source: storage.worker!.url('raw/none') }, /cannot fetch input .*raw\/none: .*(no such file|not found)/i],
      [{ adler32: 'deadbeef' }, /cannot fetch input .*check ?sum/i],
      [{ size: 7 }, /has 6 bytes, not 7/],
    ];
    for (const [more, reason] of wrong) {
      const job = spec(`touch ${quote(ran)}`, { key: 'k.0', inputs: [{ ...good, ...more }] });
      rmSync(join(folder, 'spool'), { recursive: true });
      makeSpool(spool);
      expect(await run(job)).toMatchObject({ phase: 'stage-in', reason: expect.stringMatching(reason), outputs: [] });
      expect(leftovers()).toEqual([]);
    }
    expect(existsSync(ran)).toBe(false);
  });

  test('no tool on the worker: said so, for inputs and for outputs', async () => {
    const at = freshFolder(A);
    const storage = await kind.open(A, at);
    const bin = bareWorker();
    const tool = kind.protocol === 'xrootd' ? 'xrdcp' : 'gfal-copy';
    const bare = (job: string): string => `PATH=${quote(bin)}\n${job}`;
    const out = await run(bare(renderSpec(spec('echo x > "$OUT_out"', { destinations: [place(kind, storage)] }))));
    expect(out).toMatchObject({
      phase: 'stage-out',
      reason: expect.stringContaining(`se: cannot write out.txt: no command ${tool} on this worker`),
    });
    rmSync(join(folder, 'spool'), { recursive: true });
    makeSpool(spool);
    const inputs = [await input(kind, storage, 'f')];
    const reason = expect.stringContaining(`no command ${tool} on this worker`);
    expect(await run(bare(renderSpec(spec('true', { inputs }))))).toMatchObject({ phase: 'stage-in', reason });
  });

  test('an output that is spoiled on the way is removed with the others, and the next element is used', async () => {
    const [a, b] = [freshFolder(A), freshFolder(B)];
    const storages = [await kind.open(A, a), await kind.open(B, b)] as const;
    // The server's disk spoils the second output right after its copy; servers know checksums by the second.
    const bin = join(folder, 'bin');
    const tool = kind.protocol === 'xrootd' ? 'xrdcp' : 'gfal-copy';
    const rot = `find ${quote(join(A.data, a))} -name b.txt -exec sh -c 'printf "z\\n" >"$1"; touch -d 2020-01-01 "$1"' sh {} \\;`;
    standIn(bin, tool, `${real(tool)} "$@" && ${rot}`);
    const outputs = [
      { type: 'a', name: 'a.txt' },
      { type: 'b', name: 'b.txt' },
    ];
    const job = spec('echo x > "$OUT_a"; echo y > "$OUT_b"', {
      outputs,
      destinations: [place(kind, storages[0], 'one'), place(kind, storages[1], 'two')],
    });
    const record = await run(`${inFront(bin)}${renderSpec(job)}`);
    expect(record, record.reason).toMatchObject({ phase: 'done', outputs: [{ storage: 'two' }, { storage: 'two' }] });
    for (const output of record.outputs) await isAsRecorded(storages[1], output);
    expect(filesAt(A, a)).toEqual([]);
    expect(readdirSync(join(A.data, a, 'out/p 1'))).toEqual([]);
  });

  test('a signal while an output is on its way: a record, and no part stays', async () => {
    const at = freshFolder(A);
    const storage = await kind.open(A, at);
    const bin = join(folder, 'bin');
    const tool = kind.protocol === 'xrootd' ? 'xrdcp' : 'gfal-copy';
    standIn(
      bin,
      tool,
      `${real(tool)} "$@"; case "$*" in *b.txt*) : > ${quote(join(folder, 'sent'))}; exec sleep 100 ;; esac`,
    );
    const outputs = [
      { type: 'a', name: 'a.txt' },
      { type: 'b', name: 'b.txt' },
    ];
    const job = spec('echo x > "$OUT_a"; echo y > "$OUT_b"', { outputs, destinations: [place(kind, storage)] });
    const child = start(`${inFront(bin)}${renderSpec(job)}`);
    await until('the second output', async () => existsSync(join(folder, 'sent')) || undefined);
    expect(filesAt(A, at)).toEqual(['a.txt', 'b.txt']);
    child.kill('SIGTERM');
    expect(await ended(child)).toBe(0);
    expect(records()).toMatchObject([{ phase: 'killed', exit: 143, outputs: [] }]);
    expect(filesAt(A, at)).toEqual([]);
    expect(leftovers()).toEqual([]);
  });

  test('the first element is down: the next one; none left: each with its reason', async () => {
    const [a, b] = [freshFolder(A), freshFolder(B)];
    const storages = [await kind.open(A, a), await kind.open(B, b)] as const;
    down(A);
    try {
      const job = spec('echo x > "$OUT_out"', {
        destinations: [place(kind, storages[0], 'one'), place(kind, storages[1], 'two')],
      });
      const record = await run(job);
      expect(record, record.reason).toMatchObject({ phase: 'done', outputs: [{ storage: 'two' }] });
      await isAsRecorded(storages[1], record.outputs[0]!);
      rmSync(join(folder, 'spool'), { recursive: true });
      makeSpool(spool);
      const failed = await run({ ...job, destinations: job.destinations.slice(0, 1) });
      expect(failed).toMatchObject({
        phase: 'stage-out',
        reason: expect.stringMatching(/^one: cannot write out\.txt: .*(connect|refused|\[FATAL\])/i),
      });
      expect(leftovers()).toEqual([]);
    } finally {
      up(A);
    }
  });
});

test('a full disk at the destination: the part that was written is removed, the next element is used', async () => {
  const [full, b] = [freshFolder(FULL), freshFolder(B)];
  const [xrootd] = KINDS;
  const storages = [await xrootd!.open(FULL, full), await xrootd!.open(B, b)] as const;
  const destinations = [place(xrootd!, storages[0], 'full'), place(xrootd!, storages[1], 'two')];
  const outputs = [
    { type: 'small', name: 's.txt' },
    { type: 'big', name: 'b.txt' },
  ];
  const command = 'echo x > "$OUT_small"; head -c 40000000 /dev/zero > "$OUT_big"';
  const failed = await run(spec(command, { outputs, destinations: destinations.slice(0, 1) }));
  expect(failed).toMatchObject({ phase: 'stage-out', reason: expect.stringMatching(/no space left/i) });
  expect(filesAt(FULL, full)).toEqual([]);
  rmSync(join(folder, 'spool'), { recursive: true });
  makeSpool(spool);
  const record = await run(spec(command, { outputs, destinations }));
  expect(record, record.reason).toMatchObject({
    phase: 'done',
    outputs: [{ storage: 'two' }, { storage: 'two', size: 40_000_000 }],
  });
  expect(filesAt(FULL, full)).toEqual([]);
});

test('what a tool says about a secret is in no record and no log', async () => {
  const at = freshFolder(A);
  const storage = await KINDS[0]!.open(A, at);
  const bin = join(folder, 'bin');
  standIn(bin, 'xrdcp', 'echo "[ERROR] root://me:hunter2@host//f?authz=Bearer%20hunter2 token: hunter2" >&2; exit 54');
  const job = renderSpec(spec('echo x > "$OUT_out"', { destinations: [place(KINDS[0]!, storage)] }));
  const record = await run(`${inFront(bin)}${job}`);
  expect(record).toMatchObject({ phase: 'stage-out', reason: expect.stringContaining('[ERROR] root://host//f') });
  expect(JSON.stringify(record) + readFileSync(join(folder, 'log'), 'utf8')).not.toContain('hunter2');
});
