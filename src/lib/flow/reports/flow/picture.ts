// The picture of the chain as data, as operators draw it on a white board. `flow --json` yields it; the terminal, the SVG
// and the panel of the report draw it.
import type { Iso } from '../../../util/time.ts';

/** The boxes in the order of the data's way. */
export const FLOW_BOXES = [
  'detector',
  'buffer',
  'tables',
  'elements',
  'enqueue',
  'queue',
  'farms',
  'second',
  'third',
  'storage',
] as const;
export type FlowBoxId = (typeof FLOW_BOXES)[number];

/** One line of a box: a name with a number, a size in bytes, or a percentage. */
export interface FlowFact {
  readonly name: string;
  readonly count?: number;
  readonly bytes?: number;
  /** 0..1 */
  readonly share?: number;
  /** What follows the number: `of 200`, `1.3 days left`. */
  readonly note?: string;
  /** What it means: work under way, well, or a fault. */
  readonly look?: 'busy' | 'good' | 'bad';
}

/** What passed through a box. */
export interface FlowRate {
  readonly count?: number;
  readonly bytes?: number;
  /** `runs`, `files`, `passes`; absent for bytes. */
  readonly of?: string;
  readonly per: 'day';
}

/** A reason why something stands still, and the command to begin with. */
export interface FlowStand {
  readonly text: string;
  readonly next: string;
}

export interface FlowBox {
  readonly id: FlowBoxId;
  readonly title: string;
  /** Names of modules, or the type of a run. */
  readonly about?: string;
  readonly facts: readonly FlowFact[];
  readonly rates: readonly FlowRate[];
  /** Empty where everything moves. */
  readonly stands: readonly FlowStand[];
}

/** The whole chain, or one run in it. */
export interface FlowPicture {
  readonly experiment: string;
  readonly at: Iso;
  /** Of one run only. */
  readonly run?: number;
  readonly boxes: readonly FlowBox[];
}

export const TITLES: Readonly<Record<FlowBoxId, string>> = {
  detector: 'DETECTOR',
  buffer: 'BUFFER',
  tables: 'RUN TABLES',
  elements: 'STORAGE ELEMENTS',
  enqueue: 'ENQUEUE',
  queue: 'QUEUE',
  farms: 'FARMS',
  second: 'SECOND PASS',
  third: 'THIRD PASS',
  storage: 'STORAGE',
};

/** What is known of each box; one of which nothing is known is drawn empty. */
export type BoxParts = Readonly<Partial<Record<FlowBoxId, Partial<Pick<FlowBox, 'about' | 'facts' | 'rates'>>>>>;

/** The boxes in their order, each with what stands still in it. */
export function boxesOf(parts: BoxParts, stands: readonly (FlowStand & { readonly box: FlowBoxId })[]): FlowBox[] {
  return FLOW_BOXES.map((id) => ({
    id,
    title: TITLES[id],
    facts: [],
    rates: [],
    ...parts[id],
    stands: stands.filter(({ box }) => box === id).map(({ text, next }) => ({ text, next })),
  }));
}
