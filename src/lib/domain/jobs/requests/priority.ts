// How urgent a request is: a number, or the word that people write in a mail. Pure.
import { suggestion } from '../../../util/text/near.ts';

export const PRIORITIES: Readonly<Record<string, number>> = { low: -10, normal: 0, high: 10, urgent: 100 };

/** The number of a word or a number; `undefined` for any other text. */
export function priorityOf(text: string): number | undefined {
  const word = Object.entries(PRIORITIES).find(([name]) => name === text.trim().toLowerCase());
  if (word) return word[1];
  const number = /^[+-]?\d{1,9}$/.test(text.trim()) ? Number(text) : undefined;
  return number === 0 ? 0 : number;
}

/** What is said of a text that is neither. */
export function notPriority(text: string): string {
  return `'${text}' is not a priority: a whole number, or a word; ${suggestion(text, Object.keys(PRIORITIES))}`;
}
