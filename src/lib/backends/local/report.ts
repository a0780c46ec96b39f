// The supervisor's remarks, on its log. A full disk must not end it: a remark that cannot be written is dropped.
import { writeSync } from 'node:fs';

export function report(text: string): void {
  try {
    writeSync(2, `${new Date().toISOString()} ${text}\n`);
  } catch {
    // Nobody is left to tell.
  }
}
