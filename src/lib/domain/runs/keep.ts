// The keep rule: which runs of a sampled level are copied to storage. Decided by the run number alone, so that every
// host, every level and every repetition decides alike, and the decision can be checked years later.

export interface Keep {
  readonly kept: boolean;
  /** The rule in words, recorded with the data. */
  readonly rule: string;
}

/**
 * Decides for a run at a share of 0..1. Multiplying by the golden ratio spreads consecutive runs evenly over 0..1
 * (10 % is every tenth run or so, never a long row without one); a run kept at one share is kept at every larger one.
 */
export function keepRun(run: number, share: number): Keep {
  if (share >= 1) return { kept: true, rule: 'all' };
  return { kept: position(run) < share, rule: `${percent(share)} % by run number` };
}

/** Where a run stands in 0..1: the fraction of run times the golden ratio, in exact 32-bit arithmetic. */
function position(run: number): number {
  return (Math.imul(run % 2 ** 32, 0x9e3779b9) >>> 0) / 2 ** 32;
}

function percent(share: number): string {
  return String(Math.round(share * 100_000) / 1000);
}
