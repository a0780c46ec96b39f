// Run types: the names of the bits of a run's mask. An experiment may name its own (settings.runs.types).

/** Names by bit, as SNO+ uses them; bits beyond have no name. */
export const RUN_TYPES: readonly string[] = [
  'Maintenance',
  'Transition',
  'Physics',
  'Deployed Source',
  'External Source',
  'ECA',
  'Diagnostic',
  'Experimental',
  'Supernova',
];

/** Types that put a calibration hold unless the configuration says otherwise. */
export const CALIBRATION_TYPES: readonly string[] = ['ECA', 'PCA'];

/** Names of the bits set in `mask`, lowest first; a bit without a name is `bit N`. The mask has at most 53 bits. */
export function typesOf(mask: number, names: readonly string[] = RUN_TYPES): string[] {
  const types: string[] = [];
  // Division, not shifts: shifts would cut the mask to 32 bits and make bit 31 negative.
  for (let bit = 0, rest = mask; rest > 0; bit++, rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) types.push(names[bit] ?? `bit ${bit}`);
  }
  return types;
}

/** The mask in which the named types are set; `undefined` for a name that is not known. */
export function maskOf(types: readonly string[], names: readonly string[] = RUN_TYPES): number | undefined {
  const bits = new Set(types.map((type) => names.indexOf(type)));
  if (bits.has(-1)) return undefined;
  return [...bits].reduce((mask, bit) => mask + 2 ** bit, 0);
}
