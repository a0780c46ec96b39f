// Which copy is read first by somebody who is not a farm: the order of the configuration, what is set aside last.

interface Copy {
  readonly storage: string;
  /** What verify found wrong. */
  readonly bad?: string;
}

/** Good copies at elements of the configuration, in the order of `elements`; those of `aside` after the others. */
export function nearestFirst<C extends Copy>(
  copies: readonly C[],
  elements: readonly string[],
  aside: ReadonlySet<string>,
): C[] {
  const rank = ({ storage }: Copy): number => elements.indexOf(storage) + (aside.has(storage) ? elements.length : 0);
  const good = copies.filter(({ storage, bad }) => bad === undefined && elements.includes(storage));
  return good.toSorted((one, other) => rank(one) - rank(other));
}
