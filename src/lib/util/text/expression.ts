// Regular expressions that somebody else wrote, on texts that somebody else wrote: RE2's rules, whose time is linear in
// the text. There is no looking ahead or behind and no reference back.
import { RE2JS } from 're2js';

/** The last characters of a text that are looked at. */
const LOOKED_AT = 64 * 1024;

const compiled = new Map<string, RE2JS>();

/** True when `source` is found in `text`, whatever the case of the letters. @throws Error when it is not an expression */
export function found(source: string, text: string): boolean {
  return expression(source).matcher(text.slice(-LOOKED_AT)).find();
}

/** What is wrong with an expression; `undefined` when nothing is. */
export function wrongExpression(source: string): string | undefined {
  try {
    expression(source);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message.replace(/^error parsing regexp: /, '') : String(error);
  }
}

function expression(source: string): RE2JS {
  const known = compiled.get(source) ?? RE2JS.compile(source, RE2JS.CASE_INSENSITIVE);
  compiled.set(source, known);
  return known;
}
