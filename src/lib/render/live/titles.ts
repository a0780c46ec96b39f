// The title line of each view of the live screen.
import chalk from 'chalk';
import type { Counts, LiveFound, Some } from '../../flow/reports/live/views.ts';
import type { Lists } from '../../flow/reports/look/look.ts';
import type { StorageRow } from '../../flow/reports/look/storagerows.ts';
import { counted } from '../../util/text/counted.ts';
import { humanCount } from '../human.ts';
import { stateColour } from '../states.ts';
import { widthOf } from '../wrap.ts';

/** Copies of all storage elements. */
export function copyTitle(storage: readonly StorageRow[]): string {
  const sum = (field: 'verified' | 'copying' | 'failed' | 'bad') => storage.reduce((all, row) => all + row[field], 0);
  const counts = { copying: sum('copying'), failed: sum('failed'), bad: sum('bad') };
  return [`copies: ${said('verified', sum('verified'))}`, ...alarming(counts)].join(', ');
}

function alarming({ copying, failed, bad }: Readonly<Record<'copying' | 'failed' | 'bad', number>>): string[] {
  return [
    ...(copying > 0 ? [said('under way', copying)] : []),
    ...(failed > 0 ? [chalk.red(said('failed', failed))] : []),
    ...(bad > 0 ? [chalk.red(said('bad', bad))] : []),
  ];
}

const said = (name: string, count: number): string => `${humanCount(count)} ${name}`;

export function runTitle({ counts }: Extract<LiveFound, { view: 'runs' }>, width: number): string {
  const { open = 0, todo = 0, done = 0, late = 0 } = counts;
  const parts = [said('open', open), said('to enqueue', todo), said('enqueued', done)];
  return fitting([...parts, ...(late > 0 ? [chalk.yellow(said('with late files', late))] : [])], width);
}

/** States in the order of the rows. */
const STATES = [
  ...(['failed', 'partFail', 'held', 'running', 'submitted', 'submitting', 'unsatisfied', 'waiting'] as const),
  ...(['completed', 'canceled', 'deleted'] as const),
];

export function countTitle(counts: Counts<(typeof STATES)[number]>, width: number): string {
  const parts = STATES.flatMap((state) => {
    const count = counts[state] ?? 0;
    return count === 0 ? [] : [stateColour(state)(said(state, count))];
  });
  return parts.length === 0 ? 'no passes' : fitting(parts, width);
}

export function farmTitle({ rows }: Some<Lists['farms']>): string {
  const sum = (field: 'active' | 'slots'): number => rows.reduce((all, row) => all + row[field], 0);
  const wrong = rows.filter(({ state }) => state !== 'ok').length;
  const busy = `${said('active', sum('active'))} on ${said('slots', sum('slots'))}`;
  return wrong === 0 ? busy : `${busy}, ${chalk.yellow(`${counted(wrong, 'farm takes', 'farms take')} no jobs`)}`;
}

export function holdTitle({ rows }: Some<Lists['holds']>): string {
  return rows.length === 0 ? '' : counted(rows.length, 'hold');
}

/** The first parts, as many as fit into the width. */
function fitting(parts: readonly string[], width: number): string {
  let line = '';
  for (const part of parts) {
    const longer = line === '' ? part : `${line}, ${part}`;
    if (widthOf(longer) > width) return line;
    line = longer;
  }
  return line;
}
