// What one round of each command costs in a store that has grown: ten passes are active, all others are done. The same at
// the smallest size is the yardstick: a command must cost what is new, not what is old.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dflow, drop, makeRaw, median, newFolder, used } from './shared/experiment.mjs';
import { DIGITS, grow } from './shared/grown.mjs';

const ACTIVE = 10;
/** Answers, for which time and memory count together; `first`: a long list, whose first row counts. */
const COMMANDS = [
  ...['register', 'transfer', 'enqueue', 'submit', 'monitor', 'reset', 'purge --yes', 'chain', 'verify --limit 1'],
  ...['status', 'why --all', 'list jobs', 'list runs', 'list jobs --state all --limit 20', 'list holds', 'report'],
  ...[
    'list jobs --state all',
    'list runs --all',
    'list outputs',
    'history 1',
    'show 1',
    'events --limit 20',
    'metrics',
  ],
];
const STREAMED = new Set(['list jobs --state all', 'list runs --all', 'list outputs']);

/** Ten new runs go through the chain, and their jobs wait in the payload for the end of the benchmark. */
function activate(folder, passes) {
  writeFileSync(join(folder, 'hold'), '');
  makeRaw(folder, passes / 2 + 1, passes / 2 + ACTIVE, DIGITS);
  for (const step of ['register', 'transfer', 'register', 'enqueue', 'submit', 'monitor'])
    dflow(folder, [step, '--quiet']);
}

/** Medians of what each command uses; exit 1 says that something failed, which is an answer, too. */
async function measured(folder, { rounds, commands, say }) {
  const all = new Map();
  for (const command of commands) {
    const rows = [];
    try {
      for (let round = 0; round < rounds; round++) rows.push(await used(folder, command.split(' '), [0, 1]));
    } catch (error) {
      say(`${command}: ${error.message}`);
      continue;
    }
    const middle = (field) => median(rows.map((row) => row[field]));
    all.set(command, Object.fromEntries(['seconds', 'cpu', 'first', 'mib'].map((field) => [field, middle(field)])));
  }
  return all;
}

async function atSize(passes, given) {
  const folder = given.folder || newFolder();
  try {
    if (!given.folder) {
      await grow(folder, passes, { say: given.say });
      activate(folder, passes);
    }
    return await measured(folder, given);
  } finally {
    if (!given.folder) {
      dflow(folder, ['cancel', '--all', '--yes', '--quiet']);
      dflow(folder, ['monitor', '--quiet']);
      drop(folder);
    }
  }
}

const shown = ({ seconds, first, mib }) =>
  `${seconds.toFixed(2)} s, first byte ${first.toFixed(2)} s, peak ${mib.toFixed(0)} MiB`;

function* rows(passes, smallest, now, before) {
  for (const [command, one] of now) {
    const old = before.get(command);
    if (!old) continue;
    const also = shown(one);
    // Processor seconds: the machine may be shared. A list that prints everything costs what it prints.
    const target = STREAMED.has(command) ? { mib: 250, first: 0.5 } : { atMost: 1.2, mib: 250 };
    const yardstick = { name: `${smallest} passes`, value: old.cpu };
    const ratio = one.cpu / old.cpu;
    const what = `${command}, ${passes} passes, processor`;
    yield { what, value: one.cpu, yardstick, ratio, target, also, first: one.first, mib: one.mib };
  }
}

export default {
  about: 'one round of each command after 10^3 to 10^6 finished passes: time and peak memory',
  options: {
    passes: {
      fallback: '1000,10000,100000,1000000',
      about: 'sizes of the store; a million takes a quarter of an hour',
    },
    folders: { fallback: '', about: 'experiments that were made before, one for each size, with , between them' },
    rounds: { fallback: '3', about: 'calls of each command; the median counts' },
    commands: { fallback: COMMANDS.join(';'), about: 'commands, with ; between them' },
  },
  async *run({ passes, folders, rounds, commands, say }) {
    const sizes = passes.split(',').map(Number);
    const made = folders.split(',');
    const given = { rounds: Number(rounds), commands: commands.split(';'), say };
    let before;
    for (const [at, size] of sizes.entries()) {
      const found = await atSize(size, { ...given, folder: made[at] });
      before ??= found;
      if (at > 0) yield* rows(size, sizes[0], found, before);
    }
  },
};
