// Where in the picture something stands still: the box of each way of `status`, and of each gate of `why`. Pure.
import type { Gate } from '../../../domain/jobs/readiness.ts';
import type { Attention, WAYS } from '../status/page.ts';
import type { WhyReport } from '../why/whyreport.ts';
import type { FlowBoxId, FlowStand } from './picture.ts';

export type PlacedStand = FlowStand & { readonly box: FlowBoxId };

/** Ways of `status` that belong to one box, whatever they say. */
const BOX_OF_WAY: Readonly<Partial<Record<(typeof WAYS)[number], FlowBoxId>>> = {
  buffer: 'buffer',
  changed: 'buffer',
  purging: 'buffer',
  interrupted: 'buffer',
  quarantine: 'detector',
  'new-version': 'detector',
  blocked: 'detector',
  'first-pass': 'tables',
  'stale-tables': 'tables',
  credentials: 'elements',
  'element-fails': 'elements',
  'element-aside': 'elements',
  'element-unknown': 'elements',
  'copies-failed': 'elements',
  'copies-bad': 'elements',
  copying: 'elements',
  lost: 'elements',
  todo: 'enqueue',
  'no-version': 'enqueue',
  'module-file': 'enqueue',
  request: 'enqueue',
  'farm-silent': 'farms',
  'farm-never': 'farms',
  'version-nowhere': 'farms',
  lease: 'queue',
  submitting: 'queue',
  cooled: 'queue',
  held: 'queue',
  'module-gone': 'queue',
  'inputs-nowhere': 'queue',
  failed: 'second',
  stale: 'second',
  unsatisfied: 'third',
  'output-copy': 'storage',
  undeleted: 'storage',
};

const BY_WAY: ReadonlyMap<string, FlowBoxId> = new Map(Object.entries(BOX_OF_WAY));

/** Where each step of the chain does its work. */
const BOX_OF_STEP: Readonly<Record<string, FlowBoxId>> = {
  register: 'detector',
  tables: 'tables',
  transfer: 'elements',
  verify: 'elements',
  purge: 'buffer',
  enqueue: 'enqueue',
  submit: 'queue',
  monitor: 'farms',
  reset: 'queue',
};

/** Where each kind of hold stops the chain. */
const BOX_OF_HOLD: Readonly<Record<string, FlowBoxId>> = {
  calibration: 'enqueue',
  drain: 'farms',
  storage: 'elements',
  transfer: 'elements',
  quarantine: 'detector',
};

/** What needs a person, each in its box. `failed`: the boxes of the passes that have failed. */
export function placed(
  needYou: readonly Attention[],
  holdOf: (id: string) => string | undefined,
  failed: readonly FlowBoxId[],
): PlacedStand[] {
  return needYou.flatMap(({ way, text, next }) => {
    const boxes = way === 'failed' && failed.length > 0 ? failed : [boxOf({ way, text, next }, holdOf)];
    return boxes.map((box) => ({ text, next, box }));
  });
}

function boxOf({ way, text, next }: Attention, holdOf: (id: string) => string | undefined): FlowBoxId {
  if (way === 'hold' || way === 'hold-over') return BOX_OF_HOLD[holdOf(next.split(' ').at(-1) ?? '') ?? ''] ?? 'queue';
  return BY_WAY.get(way) ?? BOX_OF_STEP[stepIn(`${text} ${next}`) ?? ''] ?? 'queue';
}

/** The first step of the chain that a text names. */
function stepIn(text: string): string | undefined {
  return text.split(/[^a-z]+/).find((word) => Object.hasOwn(BOX_OF_STEP, word));
}

/** Gates of a run that belong to one box. */
const BOX_OF_GATE: Readonly<Record<string, FlowBoxId>> = {
  complete: 'detector',
  late: 'detector',
  quarantine: 'detector',
  keep: 'detector',
  original: 'buffer',
  purge: 'buffer',
  lost: 'elements',
  copies: 'elements',
  transfer: 'elements',
  tables: 'tables',
  'first-pass': 'tables',
  automatic: 'enqueue',
  module: 'enqueue',
  asked: 'enqueue',
  calibration: 'enqueue',
};

/** Unmet gates of a run and its passes; `third`: modules of the third pass. Each sentence once. */
export function placedGates(reports: readonly WhyReport[], third: ReadonlySet<string>): PlacedStand[] {
  const found = reports.flatMap(({ ref, gates }) => {
    const module = ref.split('/')[1];
    return gates.flatMap((gate): PlacedStand[] => {
      if (gate.ok || gate.next === undefined) return [];
      const text = module === undefined ? gate.text : `${ref}: ${gate.text}`;
      return [{ text, next: gate.next, box: boxOfGate(gate, module, third) }];
    });
  });
  return [...new Map(found.map((one) => [`${one.box} ${one.text}`, one])).values()];
}

function boxOfGate({ gate }: Gate, module: string | undefined, third: ReadonlySet<string>): FlowBoxId {
  const own = BOX_OF_GATE[gate];
  if (own || module === undefined) return own ?? 'enqueue';
  if (gate.startsWith('output')) return 'storage';
  if (gate.startsWith('subjob')) return third.has(module) ? 'third' : 'second';
  return /^(farm|version|routing|slots|credentials)/.test(gate) ? 'farms' : 'queue';
}
