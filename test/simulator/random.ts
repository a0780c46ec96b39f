// The simulator's only source of chance: one small seeded generator, so that a seed is a whole history.

export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** True with this probability. */
  chance(probability: number): boolean;
  /** Whole number in [low, high], both inclusive. */
  whole(low: number, high: number): number;
  /** One of the items; never called with none. */
  pick<T>(items: readonly T[]): T;
  /** Log-uniform in [low, high]: as many short as long ones. */
  spread(low: number, high: number): number;
  /** Lower-case letters and digits; the same seed makes the same ones. */
  nonce(): string;
}

/** mulberry32: 32 bits of state, good enough to choose an interleaving. */
export function seeded(seed: number): Random {
  let state = (seed ^ 0x9e3779b9) >>> 0;
  let serial = 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  return {
    next,
    chance: (probability) => probability > 0 && next() < probability,
    whole: (low, high) => low + Math.floor(next() * (high - low + 1)),
    pick: (items) => items[Math.floor(next() * items.length)]!,
    spread: (low, high) => low * (high / low) ** next(),
    // The serial number keeps them apart for certain; the rest makes them look like what hosts really draw.
    nonce: () => `n${(serial++).toString(36).padStart(4, '0')}${Math.floor(next() * 46656).toString(36)}`,
  };
}
