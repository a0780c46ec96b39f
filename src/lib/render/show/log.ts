// Pieces of what a job printed.

/** The lines that contain `text`. */
export function matchingLines(log: string, text: string): string {
  return log
    .split('\n')
    .filter((line) => line.includes(text))
    .join('\n');
}

/** Characters by which the end of an earlier look is found again. */
const MARK = 2_000;

/** What came after an earlier look at the end of a log; all of it where the two do not meet any more. */
export function newPart(before: string | undefined, now: string): string {
  if (before === undefined || before === '') return now;
  if (now.startsWith(before)) return now.slice(before.length);
  const mark = before.slice(-MARK);
  const at = now.lastIndexOf(mark);
  return at < 0 ? now : now.slice(at + mark.length);
}
