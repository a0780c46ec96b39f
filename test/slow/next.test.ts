// Every `Next:` that a demo's commands print is carried out, in a healthy experiment and in many that stand still: each
// command runs, leads on, and afterwards nobody is told the same again. Slow: some hundred commands and real jobs.
import { appendFileSync, cpSync, readdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeExperiment } from '../../src/lib/cli/demo/experiment.ts';
import { killSupervisor } from '../support/chaos.ts';
import { folder as newFolder, removeFolders } from '../support/cli.ts';
import { follow, type Person, type Typed, typed } from '../support/nexts.ts';
import { commandsIn } from '../support/printed.ts';

/** A folder with a demo, as a shifter sees it. */
class Desk {
  constructor(readonly folder: string) {}

  at(path: string): string {
    return join(this.folder, path);
  }

  /** Another text in a file that a person edits. */
  swap(path: string, from: string, to: string): void {
    const text = readFileSync(this.at(path), 'utf8');
    expect(text).toContain(from);
    writeFileSync(this.at(path), text.replace(from, to));
  }

  move(from: string, to: string): void {
    renameSync(this.at(from), this.at(to));
  }

  /** Other bytes of the same length. */
  spoil(path: string): void {
    const bytes = readFileSync(this.at(path));
    unlinkSync(this.at(path));
    writeFileSync(this.at(path), bytes.reverse());
  }

  async type(...lines: string[]): Promise<Typed[]> {
    const ran: Typed[] = [];
    for (const line of lines) ran.push(await typed(this.folder, commandsIn(`dflow ${line}`)[0] ?? []));
    return ran;
  }
}

const nextsOf = (ran: readonly Typed[]): string[] => ran.flatMap(({ nexts }) => nexts);

let desk: Desk;

beforeAll(() => {
  desk = new Desk(join(newFolder(), 'demo'));
  makeExperiment(desk.folder, { seed: 1 });
});
afterAll(() => {
  killSupervisor(join(desk.folder, '..'));
  removeFolders();
});

/** Decoding goes on behind a damaged event; the last file is closed by the builder. */
function person(): void {
  desk.swap(
    'modules/processing.mjs',
    'throw new Damage(inFile(at), `nhit',
    '{ at += 4; continue; } new Damage(inFile(at), `nhit',
  );
  writeFileSync(desk.at('raw/l1/SNOP_0000109140_001.zdab_closed'), '');
}

test('the demo: every Next of its story, of a look at the end, and of each thing that needs a person', async () => {
  const tables = readdirSync(desk.at('ratdb')).map((name) => `ratdb/${name}`);
  const story = await desk.type(
    'store setup',
    'register',
    `tables load ${tables.join(' ')}`,
    'transfer',
    'enqueue',
    'submit',
    'chain --until-idle',
  );
  const looks = await desk.type(
    'status',
    'why --all',
    'why 109134',
    'why 109134/Analysis40',
    'why 109128',
    'why 109129',
    'why 109140',
    'list quarantine',
    'doctor',
  );
  expect(nextsOf(looks).length).toBeGreaterThan(8);
  person();
  const ways = { fill: { FILE: 'later/RUN_0000109128.ratdb' }, choose: /purge --junk/ };
  expect(await follow(desk.folder, [...story, ...looks], ways)).toEqual([]);
  await desk.type('register', 'enqueue --complete 109140', 'transfer', 'chain', 'chain --until-idle');
  expect(nextsOf(await desk.type('status', 'why --all'))).toEqual([]);
});

interface Trouble {
  /** What somebody does, or what breaks. */
  stage(at: Desk): unknown;
  /** Commands whose every `Next:` is carried out. */
  readonly type: readonly string[];
  /** What only a person can do, before anything is typed. */
  person?(at: Desk): unknown;
  readonly ways?: Person;
  /** What is typed stays wrong, or the experiment begins anew: nothing is looked at afterwards. */
  readonly once?: true;
}

const RAW = 'SNOP_0000109120_000.zdab';
const again = 'reprocess --run 109120 --module Processing --request again';

const TROUBLES: Readonly<Record<string, Trouble>> = {
  'an element away': {
    stage: (at) => at.move('storage/ral', 'storage/away'),
    type: ['verify --storage ral', 'why ral', 'doctor --only storage'],
    person: (at) => at.move('storage/away', 'storage/ral'),
  },
  'a damaged copy': {
    stage: (at) => at.spoil(`storage/ral/L1/109/${RAW}`),
    type: ['verify --storage ral', 'status', 'why 109120'],
  },
  'all copies damaged': {
    stage: (at) => ['sfu', 'fnal', 'ral'].map((name) => at.spoil(`storage/${name}/L1/109/${RAW}`)),
    type: ['verify', 'status'],
  },
  'no good copy anywhere': {
    stage: async (at) => {
      at.move(`raw/l1/${RAW}`, 'kept');
      for (const name of ['sfu', 'fnal', 'ral']) unlinkSync(at.at(`storage/${name}/L1/109/${RAW}`));
      await at.type('verify');
    },
    type: ['verify --repair --run 109120', 'why 109120', 'status'],
    person: (at) => at.move('kept', `raw/l1/${RAW}`),
  },
  'a file that grew after registration': {
    stage: (at) => appendFileSync(at.at(`raw/l1/${RAW}`), 'more'),
    type: ['register', 'status', 'list quarantine'],
    ways: { choose: /--reject/ },
  },
  'a job that fails': {
    stage: async (at) => {
      at.swap('modules/processing.mjs', 'const inputs', 'process.exit(3);\nconst inputs');
      await at.type(again, 'chain --until-idle');
    },
    type: ['status', 'why 109120/Processing', 'why --all', 'list jobs'],
    person: (at) => at.swap('modules/processing.mjs', 'process.exit(3);\n', ''),
  },
  'a module file that is gone': {
    stage: async (at) => {
      await at.type(again);
      at.move('modules/7.0.8.yaml', 'kept');
      await at.type('submit');
    },
    type: ['module check', 'status', 'why --all'],
    person: (at) => at.move('kept', 'modules/7.0.8.yaml'),
  },
  'a drained farm, a paused module, a disabled element': {
    stage: (at) =>
      at.type(
        'farm drain laptop --why downtime',
        'pause --module Processing --why optics',
        'storage disable ral --for 1d --why tape',
        again,
      ),
    type: ['submit', 'why --all', 'why ral', 'why laptop'],
  },
  'a wrong configuration': {
    stage: (at) => at.swap('dflow.yaml', 'copies:', 'copeis:'),
    type: ['status', 'config check', 'register'],
    person: (at) => at.swap('dflow.yaml', 'copeis:', 'copies:'),
  },
  'no store': {
    stage: (at) =>
      readdirSync(at.folder)
        .filter((name) => name.startsWith('dflow.db'))
        .map((name) => unlinkSync(at.at(name))),
    type: ['status', 'register'],
    once: true,
  },
  'unknown and misspelt words': {
    stage: () => undefined,
    once: true,
    type: [
      'stauts',
      'status --sinc 8h',
      'list runns',
      'list jobs --state compelted',
      'list jobs --module Proccessing',
      'reprocess --run 109120 --module Proccessing --request r',
      'farm drain laptpo --why x',
      'submit --site nope',
      'transfer --to rall',
      'why nope',
      'show nope',
      'show 1',
      'log 1/Processing',
      'retry 109120/Nope',
      'resume nope',
      'retry',
      'tables load nope.ratdb',
      'enqueue --complete 5',
      'report --request nope',
      'list summary --by nope',
      'quarantine --restore nope',
    ],
  },
};

test.each(Object.entries(TROUBLES))('%s: every Next is carried out, and none comes back', async (name, trouble) => {
  const at = new Desk(join(desk.folder, '..', name.replaceAll(/\W+/g, '-')));
  cpSync(desk.folder, at.folder, { recursive: true, preserveTimestamps: true });
  await trouble.stage(at);
  const begun = await at.type(...trouble.type);
  const before = nextsOf(begun);
  expect(before).not.toEqual([]);
  await trouble.person?.(at);
  expect(await follow(at.folder, begun, trouble.ways)).toEqual([]);
  if (trouble.once) return;
  await at.type('chain --until-idle');
  const after = nextsOf(await at.type(...trouble.type));
  expect(after.filter((next) => before.includes(next))).toEqual([]);
});
