// An object as `name  value` lines.
import chalk from 'chalk';
import { oneLine } from '../util/text/terminal.ts';

/** One line per field; `aligned` for a terminal, tab-separated otherwise. Absent fields are left out. */
export function page(fields: Readonly<Record<string, unknown>>, aligned: boolean): string {
  const rows = Object.entries(fields).filter(([, value]) => value !== undefined);
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, value]) => {
      const text = oneLine(typeof value === 'object' ? JSON.stringify(value) : String(value));
      return aligned ? `${chalk.dim(name.padEnd(width))}  ${text}` : `${name}\t${text}`;
    })
    .join('\n');
}
