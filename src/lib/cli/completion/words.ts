// A command line as it stands before the cursor: its finished words, and the one that is being typed.

export interface Typed {
  /** Without the program's own name. */
  readonly words: readonly string[];
  /** The word at the cursor, as far as it is there. */
  readonly last: string;
}

/** Words of a shell line up to the cursor: blanks part them, quotes and backslashes keep blanks together. */
export function typedWords(line: string): Typed {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? '';
    if (char === '\\' && quote !== "'") word += line[++at] ?? '';
    else if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '"' || char === "'") quote = char;
    else if (/\s/.test(char)) {
      if (word !== '') words.push(word);
      word = '';
    } else word += char;
  }
  return { words: words.slice(1), last: words.length === 0 ? '' : word };
}
