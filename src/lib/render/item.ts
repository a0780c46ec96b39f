// One item of a step as a line: for a person at a terminal, or tab-separated for a pipe.
import chalk from 'chalk';
import type { Item } from '../flow/ports.ts';

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

/** Text that cannot break a line, a column or a terminal: a file name may hold any byte. */
export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not reach a terminal
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, (char) => {
    if (char === '\t') return ' ';
    return char === '\n' ? '\\n' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
