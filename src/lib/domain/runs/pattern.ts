// File-name patterns such as `SNOP_{run:10}_{subrun:3}.l2.zdab`: compile, parse, format. Names only: folders, contents
// and levels are not known here.
import { ConfigError } from '../../util/errors.ts';
import { suggestion } from '../../util/text/near.ts';
import { pad } from '../ids.ts';

interface Numbers {
  readonly run: number;
  /** 0 where the pattern has no `{subrun}`. */
  readonly subrun: number;
}

export interface Pattern {
  readonly source: string;
  /** Text before the first and after the last field: how a misnamed file of the same kind is recognised. */
  readonly prefix: string;
  readonly suffix: string;
  readonly hasSubrun: boolean;
  /** The numbers of a file name; `undefined` when it does not match as a whole. */
  parse(name: string): Numbers | undefined;
  /** The file name of a run and subrun; numbers wider than their field keep all their digits, as printf does. */
  format(run: number, subrun?: number): string;
}

type FieldName = 'run' | 'subrun';
type Part =
  | { readonly text: string }
  | { readonly field: FieldName; readonly width: number }
  /** Text that may be anything: a date, a host. */
  | { readonly any: true };

/** More digits than this are not an exact number. */
const MAX_DIGITS = 15;

/**
 * Compiles a pattern. `{run}` or `{run:10}` must stand in it, `{subrun}` or `{subrun:3}` may; a width means zero-padded
 * to at least so many digits; `{*}` is any text, such as a date; `{{` and `}}` are braces.
 * @throws ConfigError when a field is unknown, missing, doubled, or cannot be told from its neighbour
 */
export function compilePattern(source: string): Pattern {
  const parts = split(source);
  check(source, parts);
  const fields = parts.flatMap((part) => ('field' in part ? [part.field] : []));
  const regex = new RegExp(`^${parts.map((part, i) => regexOf(part, parts[i + 1])).join('')}$`, 's');
  return {
    source,
    prefix: textOf(parts[0]),
    suffix: textOf(parts[parts.length - 1]),
    hasSubrun: fields.includes('subrun'),
    parse(name) {
      const match = regex.exec(name);
      if (!match) return undefined;
      const value = (field: FieldName): number => Number(match[fields.indexOf(field) + 1]);
      return { run: value('run'), subrun: fields.includes('subrun') ? value('subrun') : 0 };
    },
    format(run, subrun = 0) {
      const numbers = { run, subrun };
      const written = (part: Part): string => {
        if ('any' in part) return '';
        return 'field' in part ? pad(numbers[part.field], part.width) : part.text;
      };
      return parts.map(written).join('');
    },
  };
}

/** Text in which braces stand for themselves. */
export function literal(text: string): string {
  return text.replace(/[{}]/g, '$&$&');
}

function split(source: string): Part[] {
  const parts: Part[] = [];
  for (const [token] of source.matchAll(/\{\{|\}\}|\{[^{}]*\}|[{}]|[^{}]+/g)) {
    if (token === '{*}') parts.push({ any: true });
    else if (token.length > 2 && token.startsWith('{')) parts.push(fieldOf(source, token));
    else if (/^[{}]$|^\{\}$/.test(token))
      throw wrong(source, `has a lone ${token}`, 'a brace itself is written {{ or }}');
    else parts.push({ text: token === '{{' ? '{' : token === '}}' ? '}' : token });
  }
  return parts;
}

function fieldOf(source: string, token: string): Part {
  const match = /^\{([^:{}]+)(?::([1-9]\d?))?\}$/.exec(token);
  const name = match?.[1] ?? token.slice(1, -1).split(':')[0] ?? '';
  if (name !== 'run' && name !== 'subrun') {
    throw wrong(source, `has an unknown field ${token}`, suggestion(name, ['run', 'subrun']));
  }
  const width = Number(match?.[2] ?? 1);
  if (!match || width > MAX_DIGITS)
    throw wrong(source, `has a bad width in ${token}`, `write {${name}:N}, N from 1 to 15`);
  return { field: name, width };
}

function check(source: string, parts: readonly Part[]): void {
  if (source.includes('/')) {
    throw wrong(source, 'has a /', 'a pattern describes the file name; folders below the buffer are searched anyway');
  }
  for (const field of ['run', 'subrun'] as const) {
    const times = parts.filter((part) => 'field' in part && part.field === field).length;
    if (times > 1) throw wrong(source, `has {${field}} ${times} times`, 'each field may stand once');
    if (times === 0 && field === 'run') throw wrong(source, 'has no {run}', 'for example run{run}_{subrun}.dat');
  }
  parts.forEach((part, i) => {
    const next = parts[i + 1];
    const touching = next && 'field' in part && 'field' in next;
    const beside =
      next && [part, next].find((one) => 'any' in one) && [part, next].find((one) => !('text' in one || 'any' in one));
    if (beside && 'field' in beside) {
      throw wrong(source, `does not say where {${beside.field}} ends`, 'put text between it and {*}');
    }
    if (touching && part.width === 1) {
      throw wrong(source, `does not say where {${part.field}} ends`, `give it a width: {${part.field}:10}`);
    }
  });
}

function wrong(source: string, what: string, hint: string): ConfigError {
  return new ConfigError(`the file-name pattern ${JSON.stringify(source)} ${what}`, { hint });
}

/** A padded number has its width, or more digits and then no leading zero; next to another field exactly its width. */
function regexOf(part: Part, next: Part | undefined): string {
  if ('any' in part) return '.*?';
  if ('text' in part) return part.text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const { width } = part;
  if (width === 1) return `(\\d{1,${MAX_DIGITS}})`;
  if ((next && 'field' in next) || width === MAX_DIGITS) return `(\\d{${width}})`;
  return `(\\d{${width}}|[1-9]\\d{${width},${MAX_DIGITS - 1}})`;
}

function textOf(part: Part | undefined): string {
  return part && 'text' in part ? part.text : '';
}

/** Endings of files about a raw file: checksums, logs, notes. A compressed raw file is data, so `.gz` is not among them. */
export const ABOUT =
  /\.(md5|sha1|sha224|sha256|sha384|sha512|adler32|crc|crc32|crc32c|cksum|sum|md5sum|sha1sum|sha256sum|sha512sum|sfv|asc|sig|json|ya?ml|toml|xml|txt|log|csv|meta|info|ok|done|err|out)$/i;

/** Whether a name has such an ending. */
export function isAbout(name: string): boolean {
  return ABOUT.test(name);
}
