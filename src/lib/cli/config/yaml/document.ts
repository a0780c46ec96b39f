// One YAML file: its value, and where in the file each part of it stands. Knows nothing of what the values mean.
import {
  type Document,
  type DocumentOptions,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  type ParseOptions,
  parseDocument,
  visit,
} from 'yaml';
import { ConfigError, type DflowError, messageOf } from '../../../util/errors.ts';

export type Path = readonly (string | number)[];

/** Something wrong at a place of a file. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint?: string;
}

export interface YamlFile {
  readonly file: string;
  readonly text: string;
  /** Plain data; `null` where the file says nothing. */
  readonly value: unknown;
  readonly syntax: readonly Problem[];
  /** Where the value at `path` stands, or the nearest part of it that exists. */
  at(path: Path): { readonly line: number; readonly column: number };
  /** Where the key `key` of the map at `path` stands. */
  atKey(path: Path, key: string): { readonly line: number; readonly column: number };
  /** True when the file itself says something at `path`. */
  has(path: Path): boolean;
}

/** Reads YAML. Syntax errors are in `syntax`, with their places; nothing is thrown. */
export function readYaml(file: string, text: string): YamlFile {
  const counter = new LineCounter();
  const options = { lineCounter: counter, stringKeys: true, prettyErrors: false };
  const parsed = tooDeep(text) ? undefined : parse(text, options);
  const document = parsed ?? parseDocument('', options);
  const place = (offset: number): { line: number; column: number } => {
    const { line, col } = counter.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const syntax = document.errors.map((error) => ({ file, ...place(error.pos[0]), message: plain(error.message) }));
  if (!parsed) syntax.push({ file, line: 1, column: 1, message: `more than ${DEEPEST} levels within each other` });
  const read = syntax.length > 0 ? { value: null, syntax } : plainData(document, file);
  const node = (path: Path): Node | undefined => document.getIn(path, true) as Node | undefined;
  return {
    file,
    text,
    ...read,
    at(path) {
      for (let length = path.length; length >= 0; length--) {
        const range = node(path.slice(0, length))?.range;
        if (range) return place(range[0]);
      }
      return { line: 1, column: 1 };
    },
    atKey(path, key) {
      const map = path.length === 0 ? document.contents : node(path);
      const pair = isMap(map) ? map.items.find((item) => isPair(item) && String(item.key) === key) : undefined;
      const range = (pair?.key as Node | undefined)?.range;
      return range ? place(range[0]) : this.at(path);
    },
    has: (path) => document.hasIn(path),
  };
}

/** `undefined`: so deep that the library runs out of stack. */
function parse(text: string, options: ParseOptions & DocumentOptions): Document.Parsed | undefined {
  try {
    const document = parseDocument(text, options);
    keepVersions(document);
    return document;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Levels of a file; more take the library minutes. */
const DEEPEST = 1000;

/** Counted without regard to quotes: no file that a person writes comes near. */
function tooDeep(text: string): boolean {
  let depth = 0;
  for (const [bracket] of text.matchAll(/[[\]{}]/g)) {
    depth = Math.max(0, depth + (bracket === '[' || bracket === '{' ? 1 : -1));
    if (depth > DEEPEST) return true;
  }
  return /(?:[-?:] ){1000}/.test(text);
}

/** The plain data; aliases that stand for millions of values are refused by the library. */
function plainData(document: Document, file: string): Pick<YamlFile, 'value' | 'syntax'> {
  try {
    return { value: document.toJS(), syntax: [] };
  } catch (error) {
    return { value: null, syntax: [{ file, line: 1, column: 1, message: plain(messageOf(error)) }] };
  }
}

/** `7.0` and `1e3` are a version or a count that somebody wrote: what YAML makes of them would lose the text. */
function keepVersions(document: Document): void {
  visit(document, {
    Scalar(_, node) {
      if (isScalar(node) && typeof node.value === 'number' && node.source && String(node.value) !== node.source) {
        node.value = node.source;
      }
    },
  });
}

function plain(message: string): string {
  if (/call stack/.test(message)) return 'nested too deeply';
  return message.replace(/\s+at line \d+, column \d+:?[\s\S]*$/, '').replace(/\n/g, ' ');
}

/** What an error says of the part of the file at `path`. */
export function problemAt(yaml: YamlFile, path: Path, { message, hint }: DflowError): Problem {
  return { file: yaml.file, ...yaml.at(path), message, ...(hint ? { hint } : {}) };
}

/** Problems that one error names. */
const SAID = 20;

/** All problems as one error: the first is the message, the others follow, each with its place. */
export function problemsError(problems: readonly Problem[]): ConfigError {
  const [first, ...others] = problems;
  if (!first) return new ConfigError('the configuration is wrong');
  const place = (problem: Problem): string => `${problem.file}:${problem.line}:${problem.column}`;
  const more = others.slice(0, SAID).map((problem) => {
    return `\n  ${place(problem)} ${problem.message}${problem.hint ? ` (${problem.hint})` : ''}`;
  });
  if (others.length > SAID) more.push(`\n  and ${others.length - SAID} more`);
  const detail = first.hint ? { where: place(first), hint: first.hint } : { where: place(first) };
  return new ConfigError(`${first.message}${more.length > 0 ? `; and${more.join('')}` : ''}`, detail);
}
