// One item of a step as a line: for a person at a terminal, or tab-separated for a pipe.
import chalk from 'chalk';
import type { Item } from '../flow/ports.ts';
import { oneLine } from '../util/terminal.ts';

/** `registered   109134   4 L1 files, 12 MB` */
export function itemLine(item: Item): string {
  const did = item.dryRun ? `would be ${item.did}` : item.did;
  const colour = item.failed ? chalk.red : item.dryRun ? chalk.yellow : chalk.green;
  const line = `${colour(did.padEnd(12))} ${chalk.bold(oneLine(item.ref))}  ${oneLine(item.text ?? '')}`.trimEnd();
  return item.next ? `${line}\n  ${chalk.dim('Next:')} ${item.next}` : line;
}

/** `did`, `ref`, `text`, `next`, tab-separated. */
export function itemTsv(item: Item): string {
  const did = item.dryRun ? `would be ${item.did}` : item.did;
  return [did, item.ref, item.text ?? '', item.next ?? ''].map(oneLine).join('\t').trimEnd();
}
