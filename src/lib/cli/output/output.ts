// stdout: a step's items as they happen, looked-up rows as a table. Knows formats, not what the items mean.

import type { Item } from '../../flow/ports.ts';
import type { AnyRow, Lists } from '../../flow/reports/look/look.ts';
import { itemLine, itemTsv } from '../../render/item.ts';
import { rowTable, rowTsv } from '../../render/rows.ts';
import { withoutSecrets } from '../../util/text/secrets.ts';
import { cleaned, jsonText, manyLines, page, safeJson } from '../../util/text/terminal.ts';
import { print } from './live.ts';

/** `md` is Markdown, of pages that are mailed. */
export type OutputFormat = 'table' | 'tsv' | 'ids' | 'exactly' | 'json' | 'md';

export interface OutputOptions {
  readonly format: OutputFormat | undefined;
  readonly quiet: boolean;
  readonly terminal: boolean;
  readonly columns: number;
}

/** Standard output belongs to the process: one listener serves all its commands. */
let watched = false;
let closed = false;

function watchOutput(): void {
  if (watched) return;
  watched = true;
  process.stdout.on('error', () => {
    closed = true;
  });
}

export class Output {
  readonly format: OutputFormat;
  readonly columns: number;
  private readonly terminal: boolean;
  /** Prints what a table had to wait for. */
  private print: (() => void) | undefined;

  constructor(options: OutputOptions) {
    this.format = options.format ?? (options.terminal ? 'table' : 'tsv');
    this.columns = options.columns;
    this.terminal = options.terminal;
    watchOutput();
  }

  /** Columns in which a page must fit; in a pipe nothing wraps. */
  get width(): number {
    return this.terminal ? this.columns : Number.POSITIVE_INFINITY;
  }

  /** Nobody reads any more. */
  get isClosed(): boolean {
    return closed;
  }

  /** One item of a step. On a closed pipe nothing more is written, but the step goes on. */
  item(item: Item): void {
    if (this.format === 'table') this.line(itemLine(cleaned(item), this.width));
    else if (this.format === 'tsv') this.line(itemTsv(item));
    else this.plain(item);
  }

  /** Rows of a list, to be given one by one; false when nobody reads any more: the caller may stop. */
  list<L extends keyof Lists>(list: L): (row: Lists[L]) => boolean {
    const rows: Lists[L][] = [];
    if (this.format === 'table') this.print = () => this.line(rowTable(list, rows, this.width));
    return (row) => {
      if (this.format === 'table') rows.push(cleaned(row));
      else if (this.format === 'tsv') this.line(rowTsv(list, row));
      else this.plain(row);
      return !closed;
    };
  }

  /** Prints what had to wait for the last row. */
  end(): void {
    this.print?.();
    this.print = undefined;
  }

  /** A document that must be read back as it is: nothing is taken out of it. False when nobody reads any more. */
  exactJson(value: unknown): boolean {
    if (!closed) print(() => process.stdout.write(`${jsonText(value)}\n`), process.stdout.isTTY);
    return !closed;
  }

  /** Waits until all was handed to the reader. False when nobody reads any more. */
  async drained(): Promise<boolean> {
    if (!closed) await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
    return !closed;
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
    if (!closed) print(() => process.stdout.write(`${withoutSecrets(text)}\n`), process.stdout.isTTY);
  }

  private plain(item: AnyRow | Item): void {
    if (this.format === 'json') this.json(item);
    else if (this.format === 'ids') this.line(item.ref);
    else if (item.kind === 'job') {
      const { module, run, pass } = item;
      if (module !== undefined && run !== undefined && pass !== undefined) this.line(`${module} ${run} ${pass}`);
    }
  }
}
