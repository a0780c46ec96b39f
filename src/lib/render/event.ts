// One event as a line for a person at a terminal.
import type { EventRow } from '../flow/reports/events/event.ts';
import { oneLine } from '../util/text/terminal.ts';
import { localTime } from './human.ts';
import { stateColour } from './states.ts';
import { wrapped } from './wrap.ts';

/** `14 Jul 09:02  109134/Analysis40/2  running -> completed  (monitor@login1)` */
export function eventLine(row: EventRow, columns = Number.POSITIVE_INFINITY): string {
  const { at, ref, about, from, to, by, why, subjobs = [] } = row;
  const state = `${from === undefined ? '' : `${oneLine(from)} -> `}${stateColour(to)(oneLine(to))}`;
  const count =
    subjobs.length > 1 ? ` (${subjobs.length} subjobs)` : subjobs[0] !== undefined ? ` (subjob ${subjobs[0]})` : '';
  const kind = ref.startsWith(`${about}:`) || /^\d/.test(ref) ? '' : ` (${about})`;
  const words = [why, by === undefined ? undefined : `(${by})`].filter((word) => word !== undefined).join(' ');
  const time = (at === undefined ? '' : localTime(at)).padEnd(12);
  const text = `${time}  ${oneLine(ref)}${kind}  ${state}${count}${words === '' ? '' : `  ${oneLine(words)}`}`;
  return wrapped(text, columns, ' '.repeat(14)).join('\n');
}
