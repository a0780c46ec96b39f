// Selections: what to write to name runs and passes. The flags are those of the commands.
import { selection, storage } from '../arguments/flags.ts';
import type { Page } from './page.ts';

const flags = { ...selection, ...storage };

export const SELECTIONS: Page = {
  title: 'Selections: how to name runs and passes, the same in every command',
  parts: [
    { heading: 'REF' },
    { text: 'A REF is printed everywhere and can be pasted everywhere.' },
    {
      words: [
        ['109134', 'a run'],
        ['109134/Analysis40', 'a module of a run: its last pass'],
        ['109134/Analysis40/2', 'a pass'],
        ['109134/Analysis40/2.007', 'a subjob of a pass'],
        ['hold:NAME', 'a document, by its id'],
        ['@FILE', 'REFs in a file, one on each line; # begins a comment'],
        ['-', 'REFs or JSON lines from standard input'],
      ],
    },
    { heading: 'Flags' },
    {
      words: Object.entries(flags).map(([name, { char, helpValue, description }]) => [
        `${char ? `-${char}, ` : ''}--${name} ${String(helpValue ?? 'TEXT')}`,
        String(description),
      ]),
    },
    {
      text: 'Different flags must all match. Several values of one flag, with commas or repeated: any may match. An empty value or an empty file selects nothing, never everything. A command that changes something asks for a selection, a REF or --all.',
    },
    { heading: 'Runs' },
    {
      words: [
        ['109134', 'one run, which must exist'],
        ['109100-109200', 'a range, both ends included'],
        ['109100-', 'this run and all later ones'],
        ['@runs.txt', 'runs or ranges in a file'],
      ],
    },
    { heading: 'Passes' },
    {
      text: 'Without --pass a command takes the last pass of each run and module. A pass that a REF names itself is taken as named. `--pass all` takes earlier ones, too.',
    },
    { heading: 'Labels' },
    {
      text: 'A label is a list of runs or passes that people keep, such as a gold list. `dflow label add gold 109134` labels the run, its passes, and passes of that run that are made later. `--label gold` selects passes, and with `dflow list runs` and `dflow list data` runs.',
    },
    { heading: 'Examples' },
    {
      code: [
        'dflow list jobs -r 109100-109200 -m Analysis40 --state all',
        'dflow retry --state failed --cause node-fail --dry-run',
        'dflow label add gold --run @gold.txt --why "physics list of July"',
        'dflow list runs --label gold --format ids | dflow reprocess --run - --version 7.0.9 --module Analysis40 --request gold-july',
        'dflow pause --version 7.0.8 --for 12h --why "bad geometry"',
        "dflow list jobs --state failed --json | jq -c 'select(.tries < 5)' | dflow retry -",
      ].join('\n'),
    },
  ],
};
