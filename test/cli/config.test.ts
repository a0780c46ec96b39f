// The configuration: shorthand and long form, defaults, every kind of mistake with its place, module files.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { planInit, writeInit } from '../../src/lib/cli/config/init/init.ts';
import { type Loaded, load } from '../../src/lib/cli/config/load.ts';
import { problemsError } from '../../src/lib/cli/config/yaml/document.ts';
import { originRows } from '../../src/lib/cli/config/yaml/origin.ts';
import { ConfigError } from '../../src/lib/util/errors.ts';

const LAPTOP = `buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat'}
storage: {disk: ./store}
`;
const MODULES = `modules:
  Count:
    run: wc -c "$@" > "$OUT_counts"
    outputs: {counts: counts.txt}
  Plot:
    needs: Count
    run: ./plot.sh "$@" "$OUT_plot"
    outputs: {plot: plot.svg}
runTypes: {any: [Count, Plot]}
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dflow-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): void {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), text);
}

function read(env: Record<string, string> = {}, host = 'laptop'): Promise<Loaded> {
  return load({ cwd: folder, env, host });
}

/** Every problem of the error as `line:column message (hint)`, in order. */
async function problems(): Promise<string[]> {
  const error = await read().then(
    ({ moduleProblems }) => problemsError(moduleProblems),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigError);
  const { message, where, hint } = error as ConfigError;
  const [first = '', ...rest] = message.split('; and\n  ').join('\n').split('\n');
  const place = where?.replace(`${folder}/`, '') ?? '';
  const others = rest.map((line) => line.trim().replace(`${folder}/`, ''));
  return [`${place} ${first}${hint ? ` (${hint})` : ''}`, ...others];
}

describe('defaults', () => {
  test('two lines are a complete configuration', async () => {
    write('dflow.yaml', LAPTOP);
    write('modules/1.0.yaml', MODULES);
    const { settings } = await read();
    expect(settings.store).toBe('sqlite:./dflow.db');
    expect(settings.buffers).toEqual([
      {
        level: 'L1',
        path: join(folder, 'raw'),
        pattern: 'run{run}_{subrun}.dat',
        closed: 'settled',
        settle: 60_000,
        keep: 1,
      },
    ]);
    expect(settings.storages[0]).toMatchObject({ name: 'disk', protocol: 'posix', url: join(folder, 'store') });
    expect(settings.farms[0]).toMatchObject({ name: 'laptop', backend: 'local', output: ['disk'], reads: ['disk'] });
    expect(settings.farm).toBe('laptop');
    expect(settings.automatic).toMatchObject({ version: '1.0', level: 'L1', from: 0 });
    expect(settings.copies).toEqual({ raw: 1, purgeAfter: 1 });
    expect(settings.runs).toMatchObject({ quiet: 600_000, first: 0 });
    expect(settings.modules['1.0']?.modules.Plot).toMatchObject({ needs: ['Count'], raw: false, level: 'sub_run' });
  });

  test('the collaboration example of the manual', async () => {
    write(
      'dflow.yaml',
      `store: https://couch.example.org/data-processing
buffer:
  - {level: L1, path: /raid/data/l1, pattern: 'SNOP_{run:10}_{subrun:3}.zdab', closed: marker, keep: 10%}
  - {level: L2, path: /raid/data/l2, pattern: 'SNOP_{run:10}_{subrun:3}.l2.zdab'}
storage:
  sfu:  {protocol: xrootd, url: 'root://se.example.org//data'}
  ral:  {protocol: gfal, url: 'srm://ral.example.org/data', tape: true}
copies: {raw: 3, purgeAfter: 3}
tables: {required: [RUN]}
farms:
  cedar: {backend: slurm, slots: 500, output: sfu, failover: [ral], setup: {7.0: source env.sh}, env: {N: 1.0}}
hosts:
  buffer1: {loops: [register, transfer]}
  'cedar*': {farm: cedar, loops: [enqueue, submit]}
automatic: {version: 7.0, level: L1, from: 109000}
credentials: {check: voms-proxy-info -timeleft, warn: 3h}
policy:
  - {cause: licence, exit: 42, action: later, wait: 5 min}
`,
    );
    write('modules/7.0.yaml', MODULES);
    const { settings } = await read({}, 'cedar12');
    expect(settings.buffers[0]).toMatchObject({ keep: 0.1, closed: 'marker', format: 'zdab' });
    expect(settings.farms[0]).toMatchObject({ output: ['sfu', 'ral'], setup: { '7.0': 'source env.sh' } });
    // A version and a value that look like numbers keep their text.
    expect(settings.automatic.version).toBe('7.0');
    expect(settings.farms[0]?.env).toEqual({ N: '1.0' });
    expect(settings.farm).toBe('cedar');
    expect(settings.loops).toEqual(['enqueue', 'submit']);
    expect(settings.policy[0]).toEqual({ cause: 'licence', exit: [42], action: 'later', wait: 300_000 });
    expect(settings.credentials).toEqual({ check: 'voms-proxy-info -timeleft', warn: 10_800_000 });
  });

  test('loops of a host: names alone, or with a command, an interval and a switch', async () => {
    write(
      'dflow.yaml',
      `${LAPTOP}
farms: {cedar: {}}
hosts:
  buffer1: {loops: [register, poll]}
  login1:
    farm: cedar
    loops:
      processing: {every: 5 min, jitter: 10%, exclusive: cedar}
      gold: {run: [submit, --label, gold data], on: false}
      enqueue:
  'spare*': {farm: cedar}
`,
    );
    const { settings } = await read({}, 'login1');
    expect(settings.plan).toEqual([
      { name: 'processing', run: ['submit'], every: 300_000, jitter: 0.1, exclusive: 'cedar', on: true },
      { name: 'gold', run: ['submit', '--label', 'gold data'], on: false },
      { name: 'enqueue', run: ['enqueue'], on: true },
    ]);
    expect(settings.loops).toEqual(['submit', 'enqueue']);
    expect((await read({}, 'buffer1')).settings.plan?.map(({ run }) => run)).toEqual([
      ['register'],
      ['monitor', 'poll'],
    ]);
    expect((await read({}, 'spare7')).settings.loops).toEqual((await read({}, 'nobody')).settings.loops);
    expect((await read({}, 'nobody')).settings.plan).toBeUndefined();
  });

  test('a loop that does not say what it runs, and one that appears twice', async () => {
    write('dflow.yaml', `${LAPTOP}\nhosts:\n  a: {loops: [regsiter, submit, submit]}\n  b: {loops: {nightly: }}\n`);
    await expect(read()).rejects.toThrow(/no loop 'regsiter'; did you mean register/);
    await expect(read()).rejects.toThrow(/loop 'submit' appears twice/);
    await expect(read()).rejects.toThrow(/nightly: \{run: submit\}/);
  });

  test('it is found upward, by --config and by $DFLOW_CONFIG; the environment wins over the file', async () => {
    write('dflow.yaml', LAPTOP);
    mkdirSync(join(folder, 'a/b'), { recursive: true });
    const above = await load({ cwd: join(folder, 'a/b'), env: {}, host: 'x' });
    expect(above.settings.folder).toBe(folder);
    const named = await load({ cwd: '/', flag: join(folder, 'dflow.yaml'), env: {}, host: 'x' });
    expect(named.settings.folder).toBe(folder);
    const env = { DFLOW_CONFIG: join(folder, 'dflow.yaml'), DFLOW_STORE: 'sqlite:/elsewhere.db' };
    expect((await load({ cwd: '/', env, host: 'x' })).settings.store).toBe('sqlite:/elsewhere.db');
  });
});

describe('mistakes', () => {
  test('a missing, empty or unreadable configuration', async () => {
    await expect(load({ cwd: folder, flag: 'none.yaml', env: {}, host: 'x' })).rejects.toThrow(
      "none.yaml' does not exist",
    );
    write('dflow.yaml', '# nothing\n');
    expect(await problems()).toEqual([`dflow.yaml the configuration is empty (dflow init --from FOLDER)`]);
    // A directory of that name cannot be read by anybody, root included.
    rmSync(join(folder, 'dflow.yaml'));
    mkdirSync(join(folder, 'dflow.yaml'));
    expect((await problems())[0]).toContain('not a regular file');
  });

  test('aliases that stand for millions, thousands of levels and thousands of mistakes end in one short error', async () => {
    const letters = [...'abcdefghijklmnopqrstuvwxyz'];
    write(
      'dflow.yaml',
      letters.map((c, i) => `${c}: &${c} [${i ? `*${letters[i - 1]}, *${letters[i - 1]}` : 1}]`).join('\n'),
    );
    expect(await problems()).toEqual([expect.stringMatching(/^dflow.yaml:1:1 Excessive alias count/)]);
    write('dflow.yaml', `storage: ${'{a: '.repeat(20_000)}`);
    expect(await problems()).toEqual(['dflow.yaml:1:1 more than 1000 levels within each other']);
    write('dflow.yaml', Array.from({ length: 500 }, (_, i) => `k${i}: 1`).join('\n'));
    expect((await problems()).at(-1)).toBe('and 481 more');
  });

  test('unknown keys are named with the near miss, all problems at their places', async () => {
    write(
      'dflow.yaml',
      `bufer: {path: ./raw, pattern: 'run{run}.dat'}
storage: {disk: ./store, other: {protocl: posix, url: ./o}}
runs: {quiet: 10 minuts, maxJump: -1, late: shw}
transfer: [4]
`,
    );
    expect(await problems()).toEqual([
      'dflow.yaml:1:1 unknown key bufer (did you mean buffer?)',
      'dflow.yaml:1:1 buffer: is missing',
      'dflow.yaml:2:34 unknown key protocl in storage.other (did you mean protocol?)',
      "dflow.yaml:3:15 runs.quiet: '10 minuts' is not a duration (examples: 90s, 30m, 12h, 2d)",
      'dflow.yaml:3:35 runs.maxJump: expected a whole number, 1 or more',
      'dflow.yaml:3:45 runs.late: expected show or pass',
      'dflow.yaml:4:11 transfer: expected a map of `key: value`',
    ]);
  });

  test('what only the whole shows', async () => {
    write(
      'dflow.yaml',
      `buffer:
  - {path: ./raw, pattern: 'r{run}.dat'}
  - {path: ./raw2, pattern: 'r{run}.log'}
storage: {disk: ./store, copy: store/}
farms: {local: {output: dsk}}
automatic: {version: '1.1', level: L2}
copies: {raw: 1, purgeAfter: 2}
policy: [{cause: odd, text: '(', action: fail}]
`,
    );
    write('modules/1.0.yaml', MODULES);
    const found = await problems();
    expect(found.map((line) => line.replace(/ \(.*$/, ''))).toEqual([
      expect.stringContaining("storage elements 'copy' and 'disk' have the same address"),
      expect.stringMatching(/^dflow.yaml:3:5 level L1 has two buffers/),
      expect.stringContaining("no level 'L2'; did you mean L1? known: L1"),
      expect.stringContaining('nothing would ever be purged'),
      expect.stringContaining("no storage element 'dsk'; did you mean"),
      expect.stringContaining("no version '1.1'; did you mean 1.0?"),
      expect.stringContaining('is not a regular expression'),
    ]);
    expect(found[0]).toContain('one copy would count as two');
  });

  test('a catalogue that could never be told', async () => {
    write(
      'dflow.yaml',
      `buffer: {path: ./raw, pattern: 'r{run}.dat'}
storage: {disk: ./store, tape: ./tape}
farms: {local: {output: disk}}
catalogue:
  url: https://me:secret@rucio.example.org
  account: a
  auth: {user: u, token: ./t}
  scope: 'a b'
  gate: true
  rses: {tape: T, dsk: T}
`,
    );
    expect(await problems()).toEqual([
      expect.stringMatching(/^dflow.yaml:10:24 no storage element 'dsk'; did you mean disk/),
      expect.stringMatching(/^dflow.yaml:7:9 auth has 2 of user, proxy and token/),
      expect.stringMatching(/^dflow.yaml:5:8 the url is not an http\(s\) address without a login/),
      expect.stringMatching(/^dflow.yaml:8:10 'a b' is not a scope/),
      expect.stringMatching(/^dflow.yaml:10:24 dsk and tape have the same RSE 'T'/),
      expect.stringMatching(/^dflow.yaml:9:9 farm 'local' writes outputs to 'disk', which has no RSE: .* for ever/),
    ]);
  });

  test('patterns and templates that cannot be read', async () => {
    write(
      'dflow.yaml',
      `buffer:
  - {path: ./raw, pattern: 'r{rnu}.dat'}
  - {path: ./l2, level: L2, pattern: 'r{run}.l2'}
storage: {disk: {url: ./store, template: '{run}/{nmae}'}, tape: {url: 'srm://se.example.org/d'}, far: 'ROOT://se.example.org//d'}
runs: {endMarker: 'end'}
`,
    );
    expect(await problems()).toEqual([
      expect.stringMatching(/^dflow.yaml:2:28 .*rnu/),
      expect.stringMatching(/^dflow.yaml:4:42 .*nmae/),
      expect.stringMatching(/^dflow.yaml:5:19 .*end/),
    ]);
  });

  test('the scheme of an address names its protocol, unless it is said', async () => {
    write(
      'dflow.yaml',
      `buffer: {path: ./raw, pattern: 'r{run}.dat'}
storage: {a: ./s, b: 'file:///s', c: 'root://h//d', d: 'davs://h/d', e: 'srm://h/d', f: 's4://h/d', g: {protocol: gfal, url: 'root://h//e'}}
`,
    );
    const { settings } = await load({ cwd: folder, env: {}, host: 'h' });
    const protocols = settings.storages.map(({ protocol }) => protocol);
    expect(protocols).toEqual(['posix', 'posix', 'xrootd', 'gfal', 'gfal', 's4', 'gfal']);
  });

  test('YAML that does not parse', async () => {
    write('dflow.yaml', 'buffer: {path: ./raw\nstorage: x\n');
    expect((await problems())[0]).toMatch(/^dflow.yaml:2:\d+ /);
    write('dflow.yaml', 'storage: {a: x}\nstorage: {b: y}\n');
    expect((await problems())[0]).toMatch(/^dflow.yaml:2:1 /);
  });
});

describe('module files', () => {
  test('names that do not exist, bad outputs, circles', async () => {
    write('dflow.yaml', LAPTOP);
    write(
      'modules/1.0.yaml',
      `modules:
  Count:
    run: wc
    needs: Plt
    outputs: {counts: ../counts.txt}
  Plot:
    needs: [Plot]
    run: x
    outputs: {'a-b': plot.svg}
runTypes: {Phisics: Cout}
`,
    );
    expect(await problems()).toEqual([
      "modules/1.0.yaml:4:12 Count needs Plt: no module 'Plt'; did you mean Plot? known: Count, Plot",
      expect.stringContaining('modules/1.0.yaml:5:23 Count: output counts: `../counts.txt` is not a file-name suffix'),
      expect.stringContaining('modules/1.0.yaml:9:22 Plot: output type a-b'),
      expect.stringContaining("modules/1.0.yaml:10:12 no run type 'Phisics'; did you mean Physics? known: any, "),
      "modules/1.0.yaml:10:21 no module 'Cout'; did you mean Count? known: Count, Plot",
      'modules/1.0.yaml:7:12 modules need each other in a circle: Plot -> Plot',
    ]);
  });

  test('`./x` in the command is a file of the job when it exists; a file of comments is no version', async () => {
    write('dflow.yaml', LAPTOP);
    write('modules/1.0.yaml', MODULES);
    write('modules/2.0.yaml', '# nothing yet\n');
    write('plot.sh', '#!/bin/sh\n');
    const { settings } = await read();
    expect(Object.keys(settings.modules)).toEqual(['1.0']);
    expect(settings.modules['1.0']?.modules.Plot?.files).toEqual([join(folder, 'plot.sh')]);
    expect(settings.modules['1.0']?.modules.Count?.files).toEqual([]);
  });
});

describe('init and origin', () => {
  test('what init writes reads back, whatever the names hold', async () => {
    mkdirSync(join(folder, "it's raw"));
    for (const run of [1, 2, 12]) writeFileSync(join(folder, "it's raw", `a'b{c}_${run}.dat`), 'x');
    const plan = planInit({ folder, from: "it's raw" });
    writeInit(plan);
    const { settings } = await read();
    expect(settings.buffers[0]?.path).toBe(join(folder, "it's raw"));
    expect(settings.buffers[0]?.pattern).toBe(plan.pattern);
    expect(Object.keys(settings.modules)).toEqual([]);
    expect(() => planInit({ folder, from: "it's raw" })).toThrow('already');
  });

  test('marker files make the buffer one of markers; nothing to guess from is an error', async () => {
    mkdirSync(join(folder, 'raw'));
    expect(() => planInit({ folder, from: 'raw' })).toThrow('from which to guess the pattern');
    expect(() => planInit({ folder, from: 'rwa' })).toThrow('does not exist');
    for (const name of ['r1.dat', 'r1.dat_closed', 'r2.dat']) writeFileSync(join(folder, 'raw', name), '');
    writeInit(planInit({ folder, from: 'raw' }));
    expect((await read()).settings.buffers[0]).toMatchObject({ closed: 'marker', pattern: 'r{run}.dat' });
  });

  test('every setting says where it comes from', async () => {
    write('dflow.yaml', LAPTOP);
    write('modules/1.0.yaml', MODULES);
    const rows = originRows(await read({ DFLOW_STORE: 'sqlite:x.db' }), { DFLOW_STORE: 'sqlite:x.db' });
    const origin = (ref: string): string | undefined => rows.find((row) => row.ref === ref)?.origin;
    expect(origin('buffer.0.path')).toBe('dflow.yaml:1');
    expect(origin('storage.disk.url')).toBe('dflow.yaml:2');
    expect(origin('store')).toBe('$DFLOW_STORE');
    expect(origin('runs.quiet')).toBe('default');
    expect(origin('modules.1.0')).toBe('modules/1.0.yaml');
    expect(rows.find((row) => row.ref === 'runs.quiet')?.value).toBe('10m');
    expect(rows.map((row) => row.ref).filter((ref) => /badModules|mounted|^(hash|folder|file)/.test(ref))).toEqual([]);
  });

  test('config show says a duration so that the configuration takes it, also in a rule of the policy', async () => {
    const rule = '{cause: full, text: x, action: later, wait: 90 min}';
    write('dflow.yaml', `${LAPTOP}\nruns: {quiet: 90 s}\npolicy: [${rule}]\n`);
    const rows = originRows(await read({}), {});
    const value = (ref: string): string | undefined => rows.find((row) => row.ref === ref)?.value;
    expect(value('runs.quiet')).toBe('90s');
    expect(JSON.parse(value('policy.0') ?? '')).toMatchObject({ wait: '90m' });
  });
});
