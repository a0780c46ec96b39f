// What a pass took and made, summed over its completed subjobs. Pure.
import type { JobDoc } from './job.ts';

export interface PassUse {
  /** Completed subjobs. */
  readonly jobs: number;
  /** Seconds. */
  readonly cpu: number;
  readonly wall: number;
  /** Of its outputs. */
  readonly bytes: number;
  readonly outputs: number;
}

export function passUse({ subjobs }: Pick<JobDoc, 'subjobs'>): PassUse {
  const done = subjobs.flatMap(({ state }) => (state.name === 'completed' ? state : []));
  const outputs = done.flatMap((state) => state.outputs);
  return {
    jobs: done.length,
    cpu: done.reduce((sum, { usage }) => sum + (usage.cpu ?? 0), 0),
    wall: done.reduce((sum, { usage }) => sum + (usage.wall ?? 0), 0),
    bytes: outputs.reduce((sum, { size }) => sum + size, 0),
    outputs: outputs.length,
  };
}
