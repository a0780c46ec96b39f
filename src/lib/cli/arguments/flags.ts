// Flags that mean the same in every command. A selection's flags are read into domain/selection by selection.ts.
import { Args, Flags } from '@oclif/core';

/** Every command has these. */
export const baseFlags = {
  config: Flags.string({
    description: 'configuration file (default: dflow.yaml here or in a folder above)',
    helpGroup: 'GLOBAL',
    helpValue: 'FILE',
  }),
  json: Flags.boolean({ description: 'print one JSON object per line', helpGroup: 'GLOBAL', exclusive: ['format'] }),
  format: Flags.option({
    options: ['table', 'tsv', 'ids', 'exactly', 'json'] as const,
    description: 'form of the output (default: table on a terminal, tsv in a pipe)',
    helpGroup: 'GLOBAL',
  })(),
  quiet: Flags.boolean({ char: 'q', description: 'print nothing when nothing changed', helpGroup: 'GLOBAL' }),
};

/** Commands that change something. */
export const changing = {
  'dry-run': Flags.boolean({ char: 'n', description: 'print what would be done; change nothing' }),
};

/** Steps of the hosts that the configuration names. */
export const ofHosts = {
  here: Flags.boolean({ description: 'run on this host though the configuration does not name it' }),
};

/** The two halves of monitor, when each is a loop of its own. */
export const spool = {
  spool: Flags.string({ description: 'folder in which answers of batch systems wait', helpValue: 'FOLDER' }),
};

/** Commands that register files. */
export const secondLook = {
  wait: Flags.boolean({
    allowNo: true,
    default: true,
    description: 'wait for the second look at new files (up to the settle time)',
  }),
};

export const limit = {
  limit: Flags.integer({ min: 0, description: 'at most N items', helpValue: 'N' }),
};

/** Destructive commands ask on a terminal and need this elsewhere. */
export const yes = {
  yes: Flags.boolean({ char: 'y', description: 'do not ask for confirmation' }),
};

/** One flag repeated or with commas: or. Not greedy, so that `--run 109134 -` leaves the `-` alone. */
function many(description: string, helpValue: string, char?: 'r' | 'm' | 'V' | 's' | 'l') {
  const options = { description, helpValue, multiple: true, multipleNonGreedy: true, delimiter: ',' } as const;
  return Flags.string({ ...options, helpGroup: 'SELECTION', ...(char ? { char } : {}) });
}

export const run = { run: many('runs: 109134, 109100-109200, 109100- or @FILE', 'RUNS', 'r') };
export const level = { level: many('raw data level, such as L1', 'LEVEL') };
export const module = { module: many('name of a module; * matches any text', 'NAME', 'm') };
export const site = { site: many('name of a farm', 'NAME') };
export const storage = { storage: many('name of a storage element', 'NAME') };
export const why = { why: Flags.string({ description: 'reason, kept in the history', helpValue: 'TEXT' }) };

/** The selection flags of a command that chooses passes. */
export const selection = {
  ...run,
  ...module,
  version: many('software version; * matches any text', 'VERSION', 'V'),
  state: many('states of passes, or active, open, all', 'STATE', 's'),
  pass: Flags.string({
    char: 'p',
    description: 'pass of each run and module: last, N or all (default: last)',
    helpValue: 'N',
    helpGroup: 'SELECTION',
  }),
  label: many('label, such as gold (dflow list labels)', 'NAME', 'l'),
  request: many('request of passes (dflow reprocess)', 'NAME'),
  tag: many('RATDB tag of passes', 'NAME'),
  cause: many('cause of the failure, such as time-limit', 'CAUSE'),
  ...site,
  ...level,
  since: Flags.string({
    description: 'passes whose state changed since then: 12h, or a date',
    helpValue: 'TIME',
    helpGroup: 'SELECTION',
  }),
};

/** `--all`: commands that ask for a selection take everything only when told so. */
export const all = { all: Flags.boolean({ description: 'everything, without a selection', helpGroup: 'SELECTION' }) };

/** The storage element that a switch is for. */
export const element = {
  name: Args.string({ description: 'name of the storage element', required: true, ignoreStdin: true }),
};

/** REFs; more may follow (`strict = false`). Standard input is read for `-` only. */
export const refs = {
  ref: Args.string({
    description: 'run, pass or document: 109134, 109134/Analysis40/2, an id, @FILE, or - for standard input',
    ignoreStdin: true,
  }),
};
