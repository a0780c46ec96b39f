// What holds for all JSON that commands print. docs/json.md begins with it.
import type { Page } from './page.ts';

/** Rules, one sentence each or two. */
export const JSON_RULES: readonly string[] = [
  'A field that is not marked `always` may be absent. No field is `null` unless its value says so.',
  'Times are RFC 3339 in UTC with milliseconds. Sizes are in bytes.',
  '`text` and `detail` are for people: their words may change. Everything else keeps its meaning.',
  'A later version may add fields, kinds and words of `did`. A program passes over those that it does not know.',
  'Items say what was done (`did`), rows say what is. An item with `"failed": true` makes the exit code 1.',
];

export const JSON_PAGE: Page = {
  title: 'JSON: what commands print with --json',
  parts: [
    {
      text: 'With --json each command prints one JSON value on each line of standard output. Messages go to standard error. docs/json.md describes every field, docs/json.schema.json is the same as a JSON Schema.',
    },
    ...JSON_RULES.map((text) => ({ text })),
    { heading: 'Fields of every item' },
    {
      words: [
        ['kind', 'what the item is about: `job`, `run`, `file`, ...'],
        ['ref', 'what can be pasted into another command'],
        ['did', 'what was done'],
        ['dryRun', 'true: only what would be done'],
        ['failed', 'true: it failed'],
        ['text', 'one line for people'],
        ['next', 'the command to type next, where something is wrong'],
      ],
    },
    { heading: 'Other forms' },
    {
      words: [
        ['--format table', 'columns for people; the default on a terminal'],
        ['--format tsv', 'columns with tabs between; the default in a pipe'],
        ['--format ids', 'one REF on each line'],
        ['--format exactly', '`module run pass` on each line: the exactly file'],
      ],
    },
    { heading: 'Examples' },
    {
      code: "dflow list jobs --state failed --json | jq -r .ref\ndflow status --json | jq -c '.needYou[]'",
    },
  ],
};
