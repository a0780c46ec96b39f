// Makes the demo experiment in a folder: raw files, run tables, configuration, modules. The same seed makes the same
// bytes. Writes files; starts nothing.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RECORD_BYTES } from '../../domain/formats/zdab.ts';
import { pad, runPad } from '../../domain/ids.ts';
import { ConfigError } from '../../util/errors.ts';
import { removeFolderSync } from '../../util/files/remove.ts';
import { codeOf } from '../../util/systemerrors.ts';
import { DAY, HOUR, iso } from '../../util/time.ts';
import analysis40 from './analysis40.mjs';
import processing from './processing.mjs';
import { type MadeRun, madeMask, RUNS } from './runs.ts';
import { CONFIG, MODULES, runTable } from './texts.ts';
import { type MadeEvent, rawFile } from './zebra.ts';

export interface DemoOptions {
  /** Whole number; the same seed gives the same bytes. */
  readonly seed: number;
  /** Instead of the runs of the demo. */
  readonly runs?: readonly MadeRun[];
}

/** What was made. */
export interface Experiment {
  readonly folder: string;
  readonly runs: readonly MadeRun[];
  /** Raw files written. */
  readonly files: number;
  readonly bytes: number;
}

/** Its presence says that everything named in MADE may be removed. */
const MARK = '.dflow-demo';
const MADE = [MARK, 'raw', 'ratdb', 'later', 'storage', 'modules', 'dflow.yaml', '.dflow'];
const EVENTS_PER_FILE = 40;

/**
 * Writes the experiment. A folder that holds a demo is made anew; anything else that is there is left alone.
 * @throws ConfigError when the folder holds something that is not a demo
 */
export function makeExperiment(folder: string, options: DemoOptions): Experiment {
  clear(folder);
  const runs = options.runs ?? RUNS;
  for (const path of ['raw/l1', 'ratdb', 'later', 'storage/sfu', 'storage/fnal', 'storage/ral', 'modules']) {
    mkdirSync(join(folder, path), { recursive: true });
  }
  const write = (path: string, text: string): void => writeFileSync(join(folder, path), text);
  write(MARK, 'Made by `dflow demo`; it may be removed and made anew.\n');
  write('dflow.yaml', CONFIG);
  write('modules/7.0.8.yaml', MODULES);
  write('modules/processing.mjs', processing);
  write('modules/analysis40.mjs', analysis40);
  const random = words(options.seed);
  let files = 0;
  let bytes = 0;
  for (const run of runs) {
    const name = `RUN_${runPad(run.run)}.ratdb`;
    if (run.table !== 'none') write(join(run.table === 'later' ? 'later' : 'ratdb', name), runTable(run));
    for (let subrun = 0; subrun < run.subruns; subrun++) {
      const content = subrunFile(run, subrun, random);
      if (run.missing?.includes(subrun)) continue;
      const file = `raw/l1/SNOP_${runPad(run.run)}_${pad(subrun, 3)}.zdab`;
      writeFileSync(join(folder, file), content);
      if (!run.open?.includes(subrun)) write(`${file}_closed`, '');
      files++;
      bytes += content.length;
    }
  }
  return { folder, runs, files, bytes };
}

function clear(folder: string): void {
  const there = entries(folder);
  if (there.length > 0 && !there.includes(MARK)) {
    throw new ConfigError('the folder is not empty and does not hold a demo', {
      where: folder,
      hint: 'dflow demo FOLDER',
    });
  }
  const ours = there.filter((name) => MADE.includes(name) || name.startsWith('dflow.db'));
  // The mark goes last: a demo that was cleared halfway is still known as one.
  for (const name of ours.filter((name) => name !== MARK)) removeFolderSync(join(folder, name));
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw new ConfigError('the folder cannot be read', { where: folder, cause: error });
  }
}

function subrunFile(run: MadeRun, subrun: number, random: () => number): Buffer {
  const began = iso(Date.UTC(2026, 6, 1) + ((run.run - 109120) % 500) * HOUR + (subrun * HOUR) / 4 + DAY);
  const [date = '', time = ''] = began.replace(/[-:.Z]/g, '').split('T');
  const header = { run: run.run, mask: madeMask(run), date: Number(date), time: Number(time.slice(0, 8)) };
  const count = EVENTS_PER_FILE + (random() % 20);
  const events = Array.from(
    { length: count },
    (_, index): MadeEvent => ({ event: subrun * 100_000 + index, nhit: nhit(random) }),
  );
  const file = rawFile(header, events, random);
  if (run.damaged?.includes(subrun)) damage(file);
  return file;
}

/** Mostly noise of some ten or twenty hits; now and then an event of a few hundred. */
function nhit(random: () => number): number {
  const share = (random() % 10_000) / 10_000;
  const mean = random() % 8 === 0 ? 150 : 22;
  return 6 + Math.floor(-mean * Math.log(1 - share));
}

/** An event in the middle says that it has more hits than the detector has channels. */
function damage(file: Buffer): void {
  let at = file.indexOf('ZDAB', Math.floor(file.length / 2));
  while ((at % RECORD_BYTES) + 36 > RECORD_BYTES || at % 4 !== 0) at = file.indexOf('ZDAB', at + 1);
  file.writeUInt32BE(0xffff, at + 32);
}

/** 32-bit words, the same for the same seed (xorshift32). */
function words(seed: number): () => number {
  let state = (seed * 2_654_435_761 + 1) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}
