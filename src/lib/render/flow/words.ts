// The words of the picture, and which boxes stand in a row: the same for the terminal and the SVG.
import type { FlowBox, FlowFact, FlowPicture, FlowRate, FlowStand } from '../../flow/reports/flow/picture.ts';
import { humanCount, humanSize } from '../human.ts';

/** `1,204`, `93 %`, `1.9 TB`, each with what follows it. */
export function valueText({ count, bytes, share, note }: FlowFact): string {
  const number =
    count !== undefined
      ? humanCount(count)
      : bytes !== undefined
        ? humanSize(bytes)
        : share !== undefined
          ? `${Math.round(100 * share)} %`
          : '';
  return [number, note ?? ''].filter((word) => word !== '').join(' ');
}

/** `412 copies a day` */
export function rateText({ count, bytes, of, per }: FlowRate): string {
  const number = count !== undefined ? humanCount(count) : humanSize(bytes ?? 0);
  return `${number}${of === undefined ? '' : ` ${of}`} a ${per}`;
}

/** How many boxes stand in each row, the flattest first. */
export const SHAPES: readonly (readonly number[])[] = [
  [5, 5],
  [4, 3, 3],
  [3, 3, 3, 1],
  [2, 2, 2, 2, 2],
  Array<number>(10).fill(1),
];

export function rowsOf(boxes: readonly FlowBox[], shape: readonly number[]): FlowBox[][] {
  const ends = shape.map((_, row) => shape.slice(0, row + 1).reduce((sum, count) => sum + count, 0));
  return shape.map((count, row) => boxes.slice((ends[row] ?? 0) - count, ends[row]));
}

/** Why it stands still, each reason once, with the first box that has it. */
export function reasonsOf({ boxes }: FlowPicture): (FlowStand & { readonly title: string })[] {
  const all = boxes.flatMap(({ title, stands }) => stands.map((stand) => ({ title, ...stand })));
  return all.filter(({ text }, at) => all.findIndex((one) => one.text === text) === at);
}
