// The page of doctor: what failed first, each with what mends it; what is well is counted. Nothing is wider than the
// terminal but a command, which must be copied whole.
import chalk from 'chalk';
import { CHECK_GROUPS, type CheckItem, type CheckOutcome } from '../domain/results/checkitems.ts';
import { cleaned } from '../util/text/terminal.ts';
import { groupBy } from '../util/values/group.ts';
import { wrapped } from './wrap.ts';

export interface DoctorPage {
  readonly experiment: string;
  readonly host: string;
  readonly items: readonly CheckItem[];
  /** What is well is shown line by line, too. */
  readonly verbose: boolean;
}

const MARKS: Readonly<Record<CheckOutcome, { readonly word: string; readonly paint: (text: string) => string }>> = {
  failed: { word: 'FAILED', paint: chalk.red },
  warning: { word: 'warning', paint: chalk.yellow },
  'not-checked': { word: 'unknown', paint: chalk.dim },
  ok: { word: 'ok', paint: chalk.green },
};

/** Under the marks. */
const INDENT = ' '.repeat(9);

export function doctorText(page: DoctorPage, columns = Number.POSITIVE_INFINITY): string {
  const items = [...cleaned(page.items)].sort(inOrder);
  const of = (outcome: CheckOutcome): CheckItem[] => items.filter(({ did }) => did === outcome);
  const well = of('ok');
  return [
    ...wrapped(`${chalk.bold(page.experiment)} on ${page.host}  ${sums(items)}`, columns),
    ...[of('failed'), of('warning'), of('not-checked')].flatMap(alike).flatMap((some) => unwell(some, columns)),
    ...(page.verbose ? wellLines(well, columns) : wellCounts(well, columns)),
  ].join('\n');
}

/** By group, then by check; whoever answered first. */
function inOrder(one: CheckItem, other: CheckItem): number {
  const group = CHECK_GROUPS.indexOf(one.group) - CHECK_GROUPS.indexOf(other.group);
  return group || one.check.localeCompare(other.check) || one.subject.localeCompare(other.subject);
}

/** `2 failed, 1 warning, 31 ok` */
function sums(items: readonly CheckItem[]): string {
  const words = { failed: 'failed', warning: 'with a warning', 'not-checked': 'unknown', ok: 'ok' } as const;
  const parts = (['failed', 'warning', 'not-checked', 'ok'] as const).flatMap((outcome) => {
    const count = items.filter(({ did }) => did === outcome).length;
    return count === 0 ? [] : [MARKS[outcome].paint(`${count} ${words[outcome]}`)];
  });
  return parts.length === 0 ? 'nothing to check' : parts.join(', ');
}

/** What has one cause is said once: without a store, a dozen checks say the same. */
function alike(items: readonly CheckItem[]): CheckItem[][] {
  return [...groupBy(items, ({ text, next }) => JSON.stringify([text, next])).values()];
}

function unwell(items: readonly CheckItem[], columns: number): string[] {
  const [item] = items;
  if (!item) return [];
  const { word, paint } = MARKS[item.did];
  const titles = titlesOf(items);
  const head = wrapped(`${paint(word.padEnd(8))} ${chalk.bold(titles)}`, columns, INDENT);
  const next =
    item.next === undefined ? [] : wrapped(`${INDENT}Next: ${chalk.cyan(item.next)}`, columns, `${INDENT}      `);
  return ['', ...head, ...wrapped(`${INDENT}${item.text ?? ''}`, columns, INDENT), ...next];
}

/** `host tools sbatch, squeue`: what two titles begin with alike is said once. */
function titlesOf(items: readonly CheckItem[]): string {
  const checks = groupBy(items, ({ group, check }) => `${group} ${check}`);
  return [...checks.values()]
    .map(([first, ...more]) => [...(first ? [titleOf(first)] : []), ...more.map(({ subject }) => subject)].join(', '))
    .join(', ');
}

/** `storage fnal`: of a group with one check, or of a check with one subject, the word that says less is left out. */
function titleOf({ group, check, subject }: CheckItem): string {
  return [...new Set([group, check, subject])].join(' ');
}

function wellCounts(items: readonly CheckItem[], columns: number): string[] {
  if (items.length === 0) return [];
  const parts = CHECK_GROUPS.flatMap((group) => {
    const count = items.filter((item) => item.group === group).length;
    return count === 0 ? [] : [`${group} ${count}`];
  });
  const line = `${MARKS.ok.paint('ok'.padEnd(8))} ${parts.join(', ')}`;
  return ['', ...wrapped(line, columns, INDENT), `${INDENT}${chalk.dim('--verbose shows each')}`];
}

function wellLines(items: readonly CheckItem[], columns: number): string[] {
  const title = ({ check, subject }: CheckItem): string => (check === subject ? check : `${check} ${subject}`);
  const longest = Math.max(0, ...items.map((item) => title(item).length));
  const width = Math.min(longest, Math.floor(columns / 3));
  return CHECK_GROUPS.flatMap((group) => {
    const mine = items.filter((item) => item.group === group);
    if (mine.length === 0) return [];
    const lines = mine.flatMap((item) => {
      const line = `  ${MARKS.ok.paint('ok')}  ${title(item).padEnd(width)}  ${item.text ?? ''}`;
      return wrapped(line, columns, ' '.repeat(Math.min(width + 8, 20)));
    });
    return ['', chalk.bold(group.toUpperCase()), ...lines];
  });
}
