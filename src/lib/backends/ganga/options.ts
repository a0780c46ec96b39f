// The options of a Ganga farm, validated as far as is possible without Ganga; its own attributes are checked by itself.

import { join } from 'node:path';
import { noSuch } from '../../domain/named.ts';
import type { FarmSettings } from '../../domain/settings.ts';
import { DAY, HOUR, LONGEST_TIMER, MINUTE, SECOND } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { Options } from '../shared/options.ts';
import type { ViaOptions } from './protocol.ts';

const VIAS = ['Local', 'Slurm', 'Condor', 'Dirac'] as const;
type Via = (typeof VIAS)[number];

export interface GangaOptions {
  /** Ganga's backend. */
  readonly via: Via;
  /** Attributes of the backend object. */
  readonly viaOptions: ViaOptions;
  /** The program `ganga`. */
  readonly program: string;
  /** Ganga's own folder: its registry and workspaces. */
  readonly gangadir: string;
  /** More settings of Ganga's: `[Slurm]heartbeat_frequency=5`. */
  readonly settings: readonly string[];
  /** The folder shared with the jobs. */
  readonly folder: string;
  /** Parent of the scratch folders on the worker. */
  readonly scratch?: string;
  /** ms that a job waits for its ticket before it gives up. */
  readonly holdLimit: number;
  /** ms between two heartbeats of a job. */
  readonly beat: number;
  /** ms without a heartbeat after which a job is dead. */
  readonly beatLimit: number;
  /** ms to wait for another process that uses the same gangadir. */
  readonly wait: number;
  /** ms for one answer of Ganga's. */
  readonly timeout: number;
  /** ms that Ganga stays up with nothing to do, and others are kept waiting. */
  readonly idle: number;
  /** ms that marks, acknowledged records and logs are kept. */
  readonly keep: number;
}

const KNOWN = [
  'via',
  'viaOptions',
  'ganga',
  'gangadir',
  'settings',
  'folder',
  'scratch',
  'holdLimit',
  'beat',
  'beatLimit',
  'wait',
  'timeout',
  'idle',
  'keep',
];

/** @throws ConfigError an option is unknown or wrong */
export function parseOptions(farm: FarmSettings, defaultFolder: string): GangaOptions {
  const options = new Options(farm, KNOWN);
  const time = (name: string, ms: number): number => Math.min(options.duration(name) ?? ms, LONGEST_TIMER);
  const scratch = options.folder('scratch');
  const beat = time('beat', MINUTE);
  const beatLimit = time('beatLimit', 10 * MINUTE);
  // The shell on the worker counts whole seconds.
  if (beat < SECOND) options.fail('beat must be at least 1s');
  if (beatLimit < 3 * beat) options.fail('beatLimit must be at least three times beat', 'beatLimit: 10m');
  const via = viaOf(options);
  const gangadir = options.folder('gangadir') ?? join(defaultFolder, 'gangadir');
  // Its commands for batch systems are shell texts in which Ganga quotes nothing.
  if (via !== 'Local' && /[^\w@%+=:,./-]/.test(gangadir))
    options.fail(`Ganga's ${via} cannot use a folder with this name: ${gangadir}`, 'gangadir: /plain/absolute/folder');
  return {
    via,
    viaOptions: viaOptionsOf(options, farm.options.viaOptions),
    program: options.text('ganga') ?? 'ganga',
    gangadir,
    settings: settingsOf(options),
    folder: options.folder('folder') ?? defaultFolder,
    ...given({ scratch }),
    holdLimit: time('holdLimit', HOUR),
    beat,
    beatLimit,
    wait: time('wait', MINUTE),
    timeout: time('timeout', 2 * MINUTE),
    idle: time('idle', 20 * SECOND),
    keep: time('keep', 30 * DAY),
  };
}

function viaOf(options: Options): Via {
  const name = options.text('via') ?? 'Local';
  return VIAS.find((via) => via === name) ?? options.fail(noSuch('batch system', name, VIAS, 'option via'));
}

function viaOptionsOf(options: Options, given: unknown): ViaOptions {
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return options.fail(`viaOptions must be a map, not ${JSON.stringify(given)}`, 'viaOptions: {queue: main}');
  for (const [name, value] of Object.entries(given)) {
    if (!['string', 'number', 'boolean'].includes(typeof value))
      options.fail(`viaOptions.${name} must be a text, a number or true or false`);
  }
  return given as ViaOptions;
}

function settingsOf(options: Options): readonly string[] {
  const words = options.words('settings');
  const wrong = words.find((word) => !/^\[[\w/]+\]\w+=/.test(word));
  if (wrong !== undefined) options.fail(`settings: ${wrong} is not a setting of Ganga`, '"[Section]name=value"');
  const ours = words.find((word) => word.startsWith('[Configuration]gangadir='));
  if (ours !== undefined) options.fail('settings: gangadir must be an option of its own', 'gangadir: /absolute/folder');
  return words;
}
