// Words as a POSIX shell reads them.

/** One shell word that means exactly `text`, always in quotes. */
export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** The same, in quotes only where they are needed: for lines that a person reads. */
export function shellWord(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : shellQuoted(text);
}
