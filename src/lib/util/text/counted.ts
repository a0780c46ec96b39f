// Numbers with their noun.

/** `1 file`, `3 files`, `2 copies`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
