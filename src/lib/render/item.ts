// One item of a step as a line: for a person at a terminal, or tab-separated for a pipe.
import chalk from 'chalk';
import type { Item } from '../flow/ports.ts';
import { oneLine } from '../util/text/terminal.ts';
import { localTimes } from './human.ts';
import { wrapped } from './wrap.ts';

/** `registered   109134   4 L1 files, 12 MB` */
export function itemLine(item: Item, columns = Number.POSITIVE_INFINITY): string {
  const did = item.dryRun ? `would be ${item.did}` : item.did;
  const colour = item.failed ? chalk.red : item.dryRun ? chalk.yellow : chalk.green;
  const text =
    `${colour(did.padEnd(item.dryRun ? 21 : 12))} ${chalk.bold(oneLine(item.ref))}  ${localTimes(oneLine(item.text ?? ''))}`.trimEnd();
  const line = wrapped(text, columns, ' '.repeat(item.dryRun ? 22 : 13)).join('\n');
  return item.next ? `${line}\n  ${chalk.dim('Next:')} ${item.next}` : line;
}

/** `did`, `ref`, `text`, `next`, tab-separated. */
export function itemTsv(item: Item): string {
  const did = item.dryRun ? `would be ${item.did}` : item.did;
  return [did, item.ref, item.text ?? '', item.next ?? ''].map(oneLine).join('\t').trimEnd();
}
