// Keys of a request file: what people mail, for `reprocess --file`.
import * as z from 'zod/mini';
import { prerequisitesOf } from '../../../../domain/jobs/requests/prerequisites.ts';
import { notPriority, priorityOf } from '../../../../domain/jobs/requests/priority.ts';
import { parseRuns } from '../../../../domain/selection.ts';
import { name, oneOrMany, scalar, text } from '../values.ts';
import { key, needed } from './key.ts';

const EXAMPLES = '109134, 109100-109200, @runs.txt';

/** Words of a run list: commas, spaces and new lines part them; a range may have spaces around its dash. */
function runWords(list: string): string[] {
  const dashes = list.replace(/(\d)[ \t]*[-\u2013][ \t]*(?=\d)/g, '$1-');
  return dashes.split(/[\s,;]+/).filter((word) => word !== '');
}

const isRunWord = (word: string): boolean => (word.startsWith('@') ? word.length > 1 : parseRuns(word) !== undefined);

const runs = scalar(
  'runs, ranges and @FILE, with commas or spaces between',
  (list) => {
    const words = runWords(list);
    return words.length > 0 && words.every(isRunWord) ? words : undefined;
  },
  (list) => {
    const wrong = runWords(list).find((word) => !isRunWord(word));
    if (wrong === undefined) return 'no run is named';
    const [, first, last] = /^(\d+)-(\d+)$/.exec(wrong) ?? [];
    if (Number(last) < Number(first)) return `'${wrong}' runs backwards: ${last}-${first}`;
    return `'${wrong}' is not a run or a range (examples: ${EXAMPLES})`;
  },
);

const priority = scalar('low, normal, high, urgent or a whole number', priorityOf, notPriority);

const prerequisite = scalar('latest, new, a number, or Processing=latest@7.0.7', (word) =>
  prerequisitesOf(word) ? word : undefined,
);

export const requestSchema = z.strictObject({
  request: key(name, 'Name of the request.', { example: 'tl-july', without: 'the flag --request names it' }),
  text: key(text, 'What the request is for and who asked; shown with the request and in its report.', {
    example: 'TeLoaded background study, asked for by Anna',
    without: 'no text',
  }),
  version: key(text, 'Software version of the new passes.', { example: '7.0.8', without: 'the automatic version' }),
  modules: needed(oneOrMany(name), 'Modules to run.', '[Processing, Analysis40]'),
  runs: needed(
    oneOrMany(runs),
    'Runs to process. A FILE has a run on each line. Its path counts from the folder of the request.',
    "[109100-109200, 109205, '@more-runs.txt']",
  ),
  priority: key(priority, 'Jobs of a higher priority are submitted first: low is -10, normal 0, high 10, urgent 100.', {
    example: 'high',
    default: 'normal',
  }),
  tag: key(text, 'RATDB tag that the jobs use.', { example: 'tables-july', without: 'the tables of now' }),
  labels: key(oneOrMany(name), 'Labels of the new passes.', { example: '[gold]', default: '[]' }),
  level: key(name, 'Raw data level.', { example: 'L1', without: 'the level of automatic jobs' }),
  prerequisite: key(
    prerequisite,
    'Pass of the prerequisite: latest, the last completed one; new, one that this request makes, too; or a number. With a module it is for that module only, with @VERSION only passes of that version count.',
    { example: 'Processing=latest@7.0.7', default: 'latest' },
  ),
  after: key(name, 'Request that must be done first.', { example: 'tl-june', without: 'the jobs wait for no request' }),
});

export type RawRequest = z.infer<typeof requestSchema>;
