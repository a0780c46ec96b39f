// The campaign table: passes counted by what they have in common. What the counts view knows comes from it; labels,
// requests and farms, and every selection, take the documents.
import type { JobDoc } from '../../domain/jobs/job.ts';
import type { PassState } from '../../domain/jobs/states.ts';
import { type Selection, sitesOf } from '../../domain/selection.ts';
import { views } from '../../views/index.ts';
import { checkNamed } from '../jobs/names/checknamed.ts';
import { shownStates } from '../jobs/select.ts';
import type { ReadPorts } from '../ports.ts';
import { jobPages } from './look/jobrows.ts';
import type { Row, Rows } from './look/row.ts';

/** What passes are counted by. */
export const SUMMARY_FIELDS = ['module', 'version', 'label', 'request', 'state', 'site'] as const;
export type SummaryField = (typeof SUMMARY_FIELDS)[number];

/** Passes that have the same fields; one field for each state that some are in. */
export interface SummaryRow
  extends Row<'summary'>,
    Readonly<Partial<Record<Exclude<SummaryField, 'state'>, string>>>,
    Readonly<Partial<Record<PassState, number>>> {
  /** Where states are asked for. */
  readonly state?: PassState;
  readonly passes: number;
}

interface Pass {
  readonly module: string;
  readonly version: string;
  readonly state: PassState;
  readonly labels: readonly string[];
  readonly sites: readonly string[];
  readonly request: string;
  readonly count: number;
}

/** What stands for a pass without a label, a request or a farm. */
const NONE = '-';

export async function* summaryRows(
  ports: ReadPorts,
  selection: Selection,
  by: readonly SummaryField[],
): Rows<SummaryRow> {
  const groups = new Map<string, SummaryRow>();
  for await (const pass of passes(ports, selection, by)) {
    for (const fields of fieldsOf(pass, by)) {
      const ref = fields.map(([, value]) => value).join(' ');
      const old = groups.get(ref) ?? { kind: 'summary', ref, ...Object.fromEntries(fields), passes: 0 };
      const states = by.includes('state') ? {} : { [pass.state]: (old[pass.state] ?? 0) + pass.count };
      groups.set(ref, { ...old, passes: old.passes + pass.count, ...states });
    }
  }
  yield* [...groups.values()].toSorted((a, b) => (a.ref < b.ref ? -1 : 1));
}

/** The fields of a pass, once for each of its labels or farms: a pass of two labels counts in both rows. */
function fieldsOf(pass: Pass, by: readonly SummaryField[]): [SummaryField, string][][] {
  let rows: [SummaryField, string][][] = [[]];
  for (const field of by) {
    const values = field === 'label' ? pass.labels : field === 'site' ? pass.sites : [pass[field]];
    const all = values.length === 0 ? [NONE] : values;
    rows = rows.flatMap((row) => all.map((value): [SummaryField, string][] => [...row, [field, value]]));
  }
  return rows;
}

async function* passes(
  ports: ReadPorts,
  selection: Selection,
  by: readonly SummaryField[],
): AsyncGenerator<Pass, void, void> {
  const { pass, ...narrow } = selection;
  const counted = by.every((field) => field === 'module' || field === 'version' || field === 'state');
  if (counted && pass === 'all' && Object.values(narrow).every((value) => value === undefined)) {
    for (const { key, value: count } of await ports.store.count(views.jobCounts, 3)) {
      const [version, module, state] = key;
      yield { version, module, state, labels: [], sites: [], request: NONE, count };
    }
    return;
  }
  await checkNamed(ports, selection);
  const wanted = selection.states && new Set(selection.states);
  for await (const page of jobPages(ports.store, selection)) {
    const states = await shownStates(ports.store, page);
    for (const job of page) {
      const state = states.get(job._id) ?? job.state;
      if (!wanted || wanted.has(state)) yield passOf(job, state);
    }
  }
}

function passOf(job: JobDoc, state: PassState): Pass {
  const { module, version, labels, request = NONE } = job;
  return { module, version, state, labels, sites: sitesOf(job), request, count: 1 };
}
