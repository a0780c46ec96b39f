// stdout: a step's items as they happen, looked-up rows as a table. Knows formats, not what the items mean.

import type { Item } from '../../flow/ports.ts';
import type { Row } from '../../flow/reports/look/row.ts';
import { itemLine, itemTsv } from '../../render/item.ts';
import { rowTable, rowTsv } from '../../render/rows.ts';
import { withoutSecrets } from '../../util/text/secrets.ts';
import { cleaned, jsonText, manyLines, page, safeJson } from '../../util/text/terminal.ts';

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
  private readonly terminal: boolean;
  private closed = false;
  private table: { kind: string; rows: Row[] } | undefined;

  constructor(options: OutputOptions) {
    this.format = options.format ?? (options.terminal ? 'table' : 'tsv');
    this.columns = options.columns;
    this.terminal = options.terminal;
    process.stdout.on('error', () => {
      this.closed = true;
    });
  }

  /** Columns in which a page must fit; in a pipe nothing wraps. */
  get width(): number {
    return this.terminal ? this.columns : Number.POSITIVE_INFINITY;
  }

  /** Nobody reads any more. */
  get isClosed(): boolean {
    return this.closed;
  }

  /** One item of a step. On a closed pipe nothing more is written, but the step goes on. */
  item(item: Item): void {
    if (this.format === 'table') this.line(itemLine(cleaned(item), this.width));
    else if (this.format === 'tsv') this.line(itemTsv(item));
    else this.plain(item);
  }

  /** One looked-up row. False when nobody reads any more: the caller may stop. */
  row(kind: string, row: Row): boolean {
    if (this.format === 'table') {
      this.table ??= { kind, rows: [] };
      this.table.rows.push(cleaned(row));
    } else if (this.format === 'tsv') this.line(rowTsv(kind, row));
    else this.plain(row);
    return !this.closed;
  }

  /** Prints what a table had to wait for. */
  end(): void {
    if (this.table) this.line(rowTable(this.table.kind, this.table.rows, this.width));
    this.table = undefined;
  }

  /** A document that must be read back as it is: nothing is taken out of it. False when nobody reads any more. */
  exactJson(value: unknown): boolean {
    if (!this.closed) process.stdout.write(`${jsonText(value)}\n`);
    return !this.closed;
  }

  /** A line of a page or a document. On a terminal only our own colours reach it, whatever the text came from. */
  line(text: string): void {
    this.raw(this.terminal ? page(text) : text);
  }

  /** A document as JSON: the same value, without a character that a terminal obeys. */
  json(value: unknown, indent = 0): void {
    this.raw(jsonText(value, indent));
  }

  /** The same of a text that is JSON already. */
  jsonText(text: string): void {
    this.raw(safeJson(text));
  }

  /** What a job printed: as it is in a pipe or where that is asked for, harmless on a terminal. */
  output(text: string, raw: boolean): void {
    this.raw(this.terminal && !raw ? manyLines(text) : text);
  }

  private raw(text: string): void {
    if (!this.closed) process.stdout.write(`${withoutSecrets(text)}\n`);
  }

  private plain(item: Row): void {
    if (this.format === 'json') this.json(item);
    else if (this.format === 'ids') this.line(item.ref);
    else {
      const { module, run, pass } = item;
      if (module !== undefined && run !== undefined && pass !== undefined) this.line(`${module} ${run} ${pass}`);
    }
  }
}
