// The words that a farm adds to sbatch's own. Pure. sbatch reads them as getopt does: a long name may be cut short, short
// options may stand together, and the first word that is not an option ends them all: it is the script.
import { nth } from '../../util/values/have.ts';

/** What dflow says itself, or what would hide the job id, make sbatch wait, or let it submit nothing. */
const LONG =
  `array hold job-name output error open-mode chdir requeue no-requeue parsable quiet wait wrap test-only signal
  clusters export export-file nodes ntasks cpus-per-task uid gid help usage version`
    .split(/\s+/)
    .map((name) => `--${name}`);
const SHORT = new Set('aHJoeDQWMNnchV');
/** Short options without a value, as in sbatch's own list (22.05): others may follow them in one word. */
const BARE = new Set('hHIkOQuvVW');

/** What is wrong with these words, and what would be right; `undefined`: nothing. */
export function extraProblem(words: readonly string[]): { readonly text: string; readonly hint?: string } | undefined {
  for (const [at, word] of words.entries()) {
    const before = words[at - 1] ?? '';
    if (!word.startsWith('-')) {
      if (takesNext(before)) continue;
      const hint = before.startsWith('--') ? { hint: `extra: ['${before}=${word}']` } : {};
      return { text: `extra: '${word}' is not an option: sbatch would take it for the script`, ...hint };
    }
    if (isOurs(word)) return { text: `extra: ${word} is set by dflow itself` };
  }
  return takesNext(words.at(-1) ?? '') ? { text: `extra: the value of ${words.at(-1)} is missing` } : undefined;
}

function isOurs(word: string): boolean {
  const [name = ''] = word.split(/[=\s]/);
  if (word.startsWith('--')) return LONG.some((long) => long.startsWith(name));
  for (const letter of word.slice(1)) {
    if (SHORT.has(letter)) return true;
    if (!BARE.has(letter)) return false;
  }
  return word === '-';
}

/** `-C`, and then its value as the next word. */
function takesNext(word: string): boolean {
  if (!/^-[^-]/.test(word)) return false;
  const letters = [...word.slice(1)];
  const valued = letters.findIndex((letter) => !BARE.has(letter));
  // These take a value only when it stands in the same word.
  return valued === letters.length - 1 && !/[sK]/.test(nth(letters, valued));
}
