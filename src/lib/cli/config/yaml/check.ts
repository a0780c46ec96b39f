// Validates a YAML file against a schema: every problem with its place, unknown keys with the near miss.
import * as z from 'zod/mini';
import { suggestion } from '../../../util/text/near.ts';
import type { Path, Problem, YamlFile } from './document.ts';

type Issue = z.core.$ZodIssue;

/** The parsed value, or the problems. */
export type Checked<T> = { readonly value: T } | { readonly problems: readonly Problem[] };

export function check<T extends z.ZodMiniType>(schema: T, file: YamlFile): Checked<z.infer<T>> {
  if (file.syntax.length > 0) return { problems: file.syntax };
  const lost = prototypeKey(file.value, []);
  if (lost) return { problems: [{ file: file.file, ...file.atKey(lost, PROTO), message: `'${PROTO}' is not a name` }] };
  const result = z.safeParse(schema, file.value);
  if (result.success) return { value: result.data };
  const problems = result.error.issues.flatMap((issue) => problemsOf(schema, file, issue, []));
  return { problems: inOrder(problems) };
}

const PROTO = '__proto__';

/** The map that has this key, which schemas pass over without a word. */
function prototypeKey(value: unknown, path: Path): Path | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Object.hasOwn(value, PROTO)) return path;
  for (const [key, inner] of Object.entries(value)) {
    const found = prototypeKey(inner, [...path, Array.isArray(value) ? Number(key) : key]);
    if (found) return found;
  }
  return undefined;
}

/** By place; what is misspelt before what is therefore missing. */
function inOrder(problems: Problem[]): Problem[] {
  const missing = (problem: Problem): number => (problem.message.endsWith('is missing') ? 1 : 0);
  return problems.sort((a, b) => a.line - b.line || a.column - b.column || missing(a) - missing(b));
}

function problemsOf(schema: z.ZodMiniType, file: YamlFile, issue: Issue, above: Path): Problem[] {
  const path = [...above, ...(issue.path as Path)];
  if (issue.code === 'invalid_union' && !issue.message.startsWith('expected')) {
    return bestBranch(issue.errors).flatMap((inner) => problemsOf(schema, file, inner, path));
  }
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, path);
    const where = path.length > 0 ? ` in ${shown(path)}` : '';
    return issue.keys.map((key) => ({
      file: file.file,
      ...file.atKey(path, key),
      message: `unknown key ${key}${where}`,
      hint: suggestion(key, known),
    }));
  }
  const key = issue.code === 'invalid_key' ? String(path.at(-1)) : undefined;
  const at = key === undefined ? file.at(path) : file.atKey(path.slice(0, -1), key);
  return [{ file: file.file, ...at, message: `${shown(path)}: ${sentence(issue, file.has(path))}` }];
}

/** Of the branches of a union, the one that has the right shape, else the first. */
function bestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const shaped = branches.find((issues) => !issues.some((issue) => issue.path.length === 0 && wrongShape(issue)));
  return shaped ?? branches[branches.length - 1] ?? [];
}

function wrongShape(issue: Issue): boolean {
  return issue.code === 'invalid_type' || (issue.code === 'invalid_union' && issue.message.startsWith('expected'));
}

const TYPES: Readonly<Record<string, string>> = {
  object: 'a map of `key: value`',
  record: 'a map of `name: value`',
  array: 'a list',
  boolean: 'true or false',
  string: 'text',
  number: 'a number',
};

/** Zod's mini messages are bare: this says the same in a sentence. */
function sentence(issue: Issue, there: boolean): string {
  if (issue.code === 'invalid_type') {
    if (!there) return 'is missing';
    return `expected ${TYPES[issue.expected] ?? issue.expected}`;
  }
  if (issue.code === 'invalid_value') return `expected ${issue.values.join(' or ')}`;
  if (issue.code === 'invalid_key') return 'is not a name: letters, digits, `.`, `_` and `-`';
  return there ? issue.message : 'is missing';
}

function shown(path: Path): string {
  return path.length === 0 ? 'the file' : path.join('.');
}

/** The keys that the schema allows at a path. */
function keysAt(schema: z.ZodMiniType, path: Path): string[] {
  let nodes: JsonSchema[] = [z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema];
  for (const part of path) nodes = nodes.flatMap(unfold).flatMap((node) => child(node, part));
  return nodes.flatMap(unfold).flatMap((node) => Object.keys(node.properties ?? {}));
}

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

function unfold(node: JsonSchema): JsonSchema[] {
  return node.anyOf ? node.anyOf.flatMap(unfold) : [node];
}

function child(node: JsonSchema, part: string | number): JsonSchema[] {
  if (typeof part === 'number') return node.items ? [node.items] : [];
  const own = node.properties?.[part];
  if (own) return [own];
  return typeof node.additionalProperties === 'object' ? [node.additionalProperties] : [];
}
