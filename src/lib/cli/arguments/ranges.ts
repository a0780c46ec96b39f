// Words that name passes of a range of runs: `109100-109200/Analysis40`, `109100-/Analysis40/2`.

interface RangeFlags {
  readonly run: readonly string[];
  readonly module: readonly string[];
  readonly pass?: string;
}

/** Such words as selection flags, and the other words as they are. */
export function rangeSelections(words: readonly string[]): { ranges: RangeFlags[]; refs: string[] } {
  const ranges: RangeFlags[] = [];
  const refs: string[] = [];
  for (const word of words) {
    const [, run, module, pass] = /^(\d+-\d*)(?:\/([^/]+)(?:\/(\d+|last|all))?)?$/.exec(word) ?? [];
    if (run === undefined) refs.push(word);
    else ranges.push({ run: [run], module: module === undefined ? ['*'] : [module], ...(pass && { pass }) });
  }
  return { ranges, refs };
}
