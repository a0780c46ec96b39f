// The matrix of trial jobs: farms down, storage elements across, in as many blocks as the terminal is narrow.
import chalk from 'chalk';
import type { CanaryItem } from '../domain/results/checkitems.ts';
import { cleaned } from '../util/text/terminal.ts';
import { wrapped } from './wrap.ts';

const INDENT = ' '.repeat(9);

export function canaryText(found: readonly CanaryItem[], columns = Number.POSITIVE_INFINITY): string {
  const items = cleaned(found);
  const farms = [...new Set(items.map(({ farm }) => farm))];
  const elements = [...new Set(items.map(({ storage }) => storage))];
  const width = Math.max(10, ...elements.map((name) => name.length)) + 2;
  const first = Math.max(8, ...farms.map((name) => name.length)) + 2;
  const across = Math.max(1, Math.floor((columns - first) / width) || 1);
  const blocks: string[] = [];
  const step = Number.isFinite(across) ? across : elements.length;
  for (let at = 0; at < elements.length; at += step) {
    const some = elements.slice(at, at + step);
    blocks.push(chalk.bold('CANARY'.padEnd(first) + some.map((name) => name.padEnd(width)).join('')).trimEnd());
    for (const farm of farms) {
      const cells = some.map((name) =>
        cell(
          items.find((one) => one.farm === farm && one.storage === name),
          width,
        ),
      );
      blocks.push(`${farm.padEnd(first)}${cells.join('')}`.trimEnd());
    }
  }
  const wrong = items
    .filter(({ did }) => did === 'failed')
    .flatMap((item) => [
      '',
      `${chalk.red('FAILED'.padEnd(8))} ${chalk.bold(`${item.farm} with ${item.storage}`)}`,
      ...wrapped(`${INDENT}${item.text ?? ''}`, columns, INDENT),
      ...wrapped(`${INDENT}Next: ${chalk.cyan(item.next ?? '')}`, columns, `${INDENT}      `),
    ]);
  return [...blocks, ...wrong].join('\n');
}

function cell(item: CanaryItem | undefined, width: number): string {
  const time = item?.seconds === undefined ? '' : ` ${item.seconds} s`;
  if (item?.did === 'ok') return chalk.green(`ok${time}`.padEnd(width));
  return item?.did === 'failed' ? chalk.red(`FAILED${time}`.padEnd(width)) : '-'.padEnd(width);
}
