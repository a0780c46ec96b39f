// How deep a JSON value is nested. What recurses over values would end with a stack that is too small, so values from
// outside are measured first, without recursion.

/** Levels that any value of ours may have, and more. */
export const DEEPEST = 250;

/** True when arrays and objects lie in each other more than `limit` levels deep. */
export function isDeeper(value: unknown, limit = DEEPEST): boolean {
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []));
  }
  return false;
}
