// A request: what an operator asked for (reprocess), written with its whole plan before the first job is made,
// so that it can be continued, shown and listed, whoever is killed when.

import { shellWord } from '../../util/text/shell.ts';
import type { Iso } from '../../util/time.ts';
import type { Doc, HistoryEntry } from '../doc.ts';
import type { Estimate } from './requests/estimate.ts';

export interface PlanItem {
  readonly run: number;
  readonly module: string;
  readonly pass: number;
  /** Passes it starts from, resolved when the plan was written. */
  readonly needs: readonly { readonly module: string; readonly pass: number }[];
}

/** Seconds and bytes of all jobs together, as far as passes of the same modules were measured. */
export type RequestEstimate = Pick<Estimate, 'jobs' | 'cpu' | 'wall' | 'bytes' | 'unmeasured'>;

export interface RequestDoc extends Doc {
  readonly kind: 'request';
  readonly name: string;
  readonly version: string;
  readonly level: string;
  readonly modules: readonly string[];
  readonly priority: number;
  readonly labels: readonly string[];
  readonly tag?: string;
  /** `latest`, `new`, or a pass number. */
  readonly prerequisite: string;
  /** Another request that must be done first. */
  readonly after?: string;
  /** Runs that were asked for; the plan has those that were ready. */
  readonly runs?: readonly number[];
  /** What it is for, and who asked. */
  readonly text?: string;
  /** What it was thought to take when it was written. */
  readonly estimate?: RequestEstimate;
  /** Of a large request it is in pieces: `parts`. */
  readonly plan: readonly PlanItem[];
  readonly parts?: readonly { readonly id: string; readonly passes: number }[];
  readonly by: string;
  readonly created: Iso;
  /** When all jobs of the plan exist. */
  readonly made?: Iso;
  readonly history: readonly HistoryEntry[];
}

/** A piece of the plan of a large request; never changed. */
export interface PlanDoc extends Doc {
  readonly kind: 'plan';
  /** Name of the request. */
  readonly name: string;
  readonly plan: readonly PlanItem[];
}

/** Passes of the whole plan. */
export function passesOf({ plan, parts = [] }: Pick<RequestDoc, 'plan' | 'parts'>): number {
  return parts.reduce((sum, { passes }) => sum + passes, plan.length);
}

/** The command that makes the rest of a request, with every option that differs from its default. */
export function continued(request: RequestDoc): string {
  const {
    name,
    version,
    modules,
    level,
    plan,
    runs: asked,
    priority,
    labels,
    tag,
    prerequisite,
    after,
    text,
  } = request;
  const runs = (asked ?? [...new Set(plan.map(({ run }) => run))]).join(',');
  const more = [
    priority ? ` --priority=${priority}` : '',
    labels?.length > 0 ? ` --label ${labels.map(shellWord).join(',')}` : '',
    tag === undefined ? '' : ` --tag ${shellWord(tag)}`,
    prerequisite === undefined || prerequisite === 'latest' ? '' : ` --prerequisite ${prerequisite}`,
    after === undefined ? '' : ` --after ${shellWord(after)}`,
    text === undefined ? '' : ` --text ${shellWord(text)}`,
  ];
  return `dflow reprocess --request ${name} --version ${version} --module ${modules.join(',')} --level ${level} --run ${runs}${more.join('')}`;
}
