// The handover as a page for a terminal, or as Markdown to paste or mail.
import chalk from 'chalk';
import type { Done, Handover } from '../../flow/reports/handover/handover.ts';
import { cleaned } from '../../util/text/terminal.ts';
import { localTime, localTimes } from '../human.ts';
import { wrapped } from '../wrap.ts';

interface Section {
  readonly title: string;
  readonly lines: readonly { readonly text: string; readonly next?: string }[];
  /** What is said where there is nothing. */
  readonly none: string;
}

function sectionsOf(page: Handover): Section[] {
  const done = ({ at, by, text }: Done) => ({ text: `${localTime(at)}  ${text} (${by})` });
  return [
    { title: 'What changed for the worse', lines: page.worse, none: 'nothing' },
    { title: 'What is open', lines: page.open, none: 'nothing needs a person' },
    { title: 'What was switched', lines: page.switched.map(done), none: 'nothing' },
    { title: 'What happened', lines: page.happened.map((text) => ({ text })), none: 'nothing' },
    { title: 'Notes', lines: page.notes.map(done), none: 'none; dflow note TEXT writes one' },
  ];
}

const headOf = ({ experiment, since, at }: Handover): string =>
  `${experiment}: from ${localTime(since)} to ${localTime(at)}`;

/** The page in `width` columns. */
export function handoverText(found: Handover, width: number): string {
  const page = cleaned(found);
  const sections = sectionsOf(page).flatMap(({ title, lines, none }) => [
    '',
    chalk.bold(title.toUpperCase()),
    ...(lines.length === 0 ? [chalk.dim(`  ${none}`)] : []),
    ...lines.flatMap(({ text, next }) => [
      ...wrapped(`  ${localTimes(text)}`, width, '    '),
      ...(next === undefined ? [] : [`    ${chalk.cyan(next)}`]),
    ]),
  ]);
  return [...wrapped(chalk.bold(headOf(page)), width), ...sections].join('\n');
}

/** The same as Markdown. */
export function handoverMarkdown(found: Handover): string {
  const page = cleaned(found);
  const sections = sectionsOf(page).flatMap(({ title, lines, none }) => [
    '',
    `## ${title}`,
    '',
    ...(lines.length === 0 ? [`- ${none}`] : []),
    ...lines.map(({ text, next }) => `- ${escaped(localTimes(text))}${next === undefined ? '' : `: \`${next}\``}`),
  ]);
  return [`# ${escaped(headOf(page))}`, ...sections].join('\n');
}

/** Names of files and modules have characters that Markdown obeys. */
function escaped(text: string): string {
  return text.replace(/[\\`*_<>[\]#|]/g, (char) => `\\${char}`);
}
