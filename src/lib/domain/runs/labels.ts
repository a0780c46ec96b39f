// Labels of runs and passes: names that people give, such as `gold`, to select by. Pure.

/** What is done with a label. */
export type LabelChange = 'add' | 'remove';

/** Flags take several labels with commas, and a shell must not need quotes. */
const LABEL = /^[A-Za-z0-9][\w.:+-]{0,63}$/;

export const isLabel = (name: string): boolean => LABEL.test(name);

/** The labels after the change; `undefined` where they stay as they are. */
export function labelsAfter(
  labels: readonly string[] | undefined,
  name: string,
  change: LabelChange,
): readonly string[] | undefined {
  const old = labels ?? [];
  if (old.includes(name) === (change === 'add')) return undefined;
  return change === 'add' ? [...old, name] : old.filter((label) => label !== name);
}

/** True when `labels` have one of `wanted`, or none is wanted. */
export function hasLabel(wanted: readonly string[] | undefined, labels: readonly string[] | undefined): boolean {
  return wanted === undefined || wanted.some((label) => labels?.includes(label));
}

/** Labels that a new pass has: its own, and those of its run. */
export function withRunLabels(own: readonly string[], run: readonly string[] | undefined): readonly string[] {
  return run === undefined ? own : [...new Set([...own, ...run])];
}
