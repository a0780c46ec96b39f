// The path template of a storage element: `{level}/{run/1000}/{name}`. Pure; a path it makes never leaves the root.

import { ConfigError } from '../../util/errors.ts';
import { given } from '../../util/values/given.ts';
import { pad } from '../ids.ts';
import { noSuch } from '../named.ts';

interface PathFields {
  readonly level: string;
  readonly run: number;
  readonly subrun: number;
  readonly name: string;
}

export interface Template {
  readonly source: string;
  /** Path relative to the storage element's root, `/` between its parts. */
  path(fields: PathFields): string;
  /** Level and name in a path, if the template has them; `undefined` when the path does not fit the template. */
  parse(path: string): { readonly level?: string; readonly name?: string } | undefined;
}

const FIELDS = ['level', 'run', 'subrun', 'name'] as const;
type Field = (typeof FIELDS)[number];
type Part = { readonly text: string } | { readonly field: Field; readonly divisor: number; readonly width: number };

/**
 * Compiles a template. Fields: `{level}`, `{name}`, `{run}`, `{subrun}`; numbers take `/N` (integer division) and `:N`
 * (zero-padded to N digits): `{run/1000:7}`.
 * @throws ConfigError for an unknown field, a path that leaves the root, or one that two files would share
 */
export function compileTemplate(source: string): Template {
  const parts = split(source);
  check(source, parts);
  const regex = new RegExp(`^${parts.map(regexOf).join('')}$`, 's');
  return {
    source,
    path: (fields) => parts.map((part) => ('text' in part ? part.text : fill(part, fields))).join(''),
    parse(path) {
      const match = regex.exec(path);
      if (!match) return undefined;
      const found = (field: Field): string | undefined => {
        const texts = parts.filter((part) => 'field' in part).flatMap((part, at) => (part.field === field ? at : []));
        const text = match[(texts[0] ?? -2) + 1];
        return text === undefined ? undefined : plainName(text);
      };
      return given({ level: found('level'), name: found('name') });
    },
  };
}

function regexOf(part: Part): string {
  if ('text' in part) return part.text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return part.field === 'level' || part.field === 'name' ? '([^/]+)' : '(\\d+)';
}

function split(source: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const match of source.matchAll(/\{([^{}]*)\}/g)) {
    parts.push({ text: source.slice(end, match.index) }, parseField(source, match[1] ?? ''));
    end = match.index + match[0].length;
  }
  parts.push({ text: source.slice(end) });
  return parts;
}

function parseField(source: string, text: string): Part {
  const match = /^([A-Za-z]+)(?:\/([1-9]\d*))?(?::(\d{1,2}))?$/.exec(text);
  const field = FIELDS.find((name) => name === match?.[1]);
  if (!match || !field) {
    throw new ConfigError(noSuch('field', match?.[1] ?? text, FIELDS, `template '${source}'`));
  }
  const numeric = field === 'run' || field === 'subrun';
  if (!numeric && (match[2] ?? match[3]) !== undefined) {
    throw new ConfigError(`template '${source}': {${field}} is not a number`, { hint: `write {${field}}` });
  }
  return { field, divisor: Number(match[2] ?? 1), width: Number(match[3] ?? 0) };
}

function check(source: string, parts: readonly Part[]): void {
  const texts = parts.flatMap((part) => ('text' in part ? [part.text] : []));
  if (texts.some((text) => /[{}\0]/.test(text))) {
    throw new ConfigError(`template '${source}': a brace without its other half`);
  }
  const example = parts.map((part) => ('text' in part ? part.text : 'x')).join('');
  if (example.startsWith('/') || example.split('/').some((part) => part === '' || part === '.' || part === '..')) {
    throw new ConfigError(`template '${source}' must be a path below the storage element`, {
      hint: 'for instance {level}/{run/1000}/{name}',
    });
  }
  const whole = (field: Field) => parts.some((part) => 'field' in part && part.field === field && part.divisor === 1);
  if (!whole('name') && !(whole('level') && whole('run') && whole('subrun'))) {
    throw new ConfigError(`template '${source}' gives two files one path`, { hint: 'let it contain {name}' });
  }
}

function fill(part: Exclude<Part, { text: string }>, fields: PathFields): string {
  const value = fields[part.field];
  if (typeof value === 'string') return component(value);
  return pad(Math.floor(value / part.divisor), part.width);
}

/** A name as part of one path component. Names of real files need no change; anything that would act as a path does. */
function component(name: string): string {
  if (name === '') return '%00';
  if (/^\.{1,2}$/.test(name)) return name.replaceAll('.', '%2E');
  return name.replaceAll('/', '%2F').replaceAll('\0', '%00');
}

/** What `component` was given. */
function plainName(text: string): string {
  const dots = /^(%2E){1,2}$/.test(text) ? text.replaceAll('%2E', '.') : text;
  return dots === '%00' ? '' : dots.replaceAll('%2F', '/').replaceAll('%00', '\0');
}
