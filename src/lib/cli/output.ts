// stdout: a step's items as they happen, looked-up rows as a table. Knows formats, not what the items mean.

import type { Item } from '../flow/ports.ts';
import type { Row } from '../flow/reports/look/row.ts';
import { itemLine, itemTsv } from '../render/item.ts';
import { rowTable, rowTsv } from '../render/rows.ts';
import { withoutSecrets } from './report.ts';

export type OutputFormat = 'table' | 'tsv' | 'ids' | 'exactly' | 'json';

export interface OutputOptions {
  readonly format: OutputFormat | undefined;
  readonly quiet: boolean;
  readonly terminal: boolean;
  readonly columns: number;
}

export class Output {
  readonly format: OutputFormat;
  readonly columns: number;
  private closed = false;
  private table: { kind: string; rows: Row[] } | undefined;

  constructor(options: OutputOptions) {
    this.format = options.format ?? (options.terminal ? 'table' : 'tsv');
    this.columns = options.columns;
    process.stdout.on('error', () => {
      this.closed = true;
    });
  }

  /** One item of a step. On a closed pipe nothing more is written, but the step goes on. */
  item(item: Item): void {
    if (this.format === 'table') this.line(itemLine(item));
    else if (this.format === 'tsv') this.line(itemTsv(item));
    else this.plain(item);
  }

  /** One looked-up row. False when nobody reads any more: the caller may stop. */
  row(kind: string, row: Row): boolean {
    if (this.format === 'table') {
      this.table ??= { kind, rows: [] };
      this.table.rows.push(row);
    } else if (this.format === 'tsv') this.line(rowTsv(kind, row));
    else this.plain(row);
    return !this.closed;
  }

  /** Prints what a table had to wait for. */
  end(): void {
    if (this.table) this.line(rowTable(this.table.kind, this.table.rows, this.columns));
    this.table = undefined;
  }

  /** A line that must be read back as it is: nothing is taken out of it. False when nobody reads any more. */
  exactText(text: string): boolean {
    if (!this.closed) process.stdout.write(`${text}\n`);
    return !this.closed;
  }

  /** A line of a page or a document. */
  line(text: string): void {
    if (!this.closed) process.stdout.write(`${withoutSecrets(text)}\n`);
  }

  private plain(item: Row): void {
    if (this.format === 'json') this.line(JSON.stringify(item));
    else if (this.format === 'ids') this.line(item.ref);
    else {
      const { module, run, pass } = item;
      if (module !== undefined && run !== undefined && pass !== undefined) this.line(`${module} ${run} ${pass}`);
    }
  }
}
