// Tables of the run database: `list tables`.
import { idsWith } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import type { TableDoc } from '../../jobs/tables/documents.ts';
import type { ReadPorts } from '../../ports.ts';
import type { Row, Rows } from './row.ts';

/** A table of the run database. */
export interface TableRow extends Row<'table'> {
  readonly name: string;
  readonly index: string;
  /** First run; 0 with `last` 0 for the default. */
  readonly first: number;
  readonly last: number;
  readonly pass: number;
  /** Which of its contents it has. */
  readonly revision: string;
  readonly at: Iso;
  /** File or command that it came from. */
  readonly from: string;
}

export async function* tableRows(ports: ReadPorts): Rows<TableRow> {
  for (const doc of await ports.store.range<TableDoc>(idsWith('table:'))) {
    const { name, index, first, last, pass, revision, at, from } = doc;
    yield { kind: 'table', ref: doc._id, name, index, first, last, pass, revision, at, from };
  }
}
