// The contract of JSON lines (docs/json.schema.json), held against what commands really print.
import * as z from 'zod';
// Part of the bundle where child processes are bundled: they lie in other folders.
import printed from '../../docs/json.schema.json' with { type: 'json' };

interface Contract {
  /** Names of types by command. */
  readonly commands: Readonly<Record<string, readonly string[]>>;
  readonly $defs: Readonly<Record<string, unknown>>;
}

export const contract: Contract = printed;

const schemas = new Map<string, z.ZodType>();

function schemaOf(name: string): z.ZodType {
  const known = schemas.get(name);
  if (known) return known;
  const made = z.fromJSONSchema({ $ref: `#/$defs/${name}`, $defs: contract.$defs } as never);
  schemas.set(name, made);
  return made;
}

/** What is wrong with a line; nothing when it is one of `names`. */
function problemOf(value: unknown, names: readonly string[]): string | undefined {
  const problems: string[] = [];
  for (const name of names) {
    const parsed = schemaOf(name).safeParse(value);
    if (parsed.success) return undefined;
    if (
      kindOf(contract.$defs[name]) === kindOf({ properties: { kind: { const: (value as { kind?: unknown }).kind } } })
    )
      problems.push(`${name}: ${z.prettifyError(parsed.error)}`);
  }
  return problems.join('; ') || `none of ${names.join(', ')}`;
}

function kindOf(def: unknown): unknown {
  return (def as { properties?: { kind?: { const?: unknown } } }).properties?.kind?.const;
}

/** The entry of the contract for a command line: the one that has most of its words. */
function entryOf(args: readonly string[]): readonly string[] | undefined {
  const fits = Object.entries(contract.commands).filter(([key]) => {
    const words = key.split(' ');
    return words[0] === args[0] && words.every((word) => args.includes(word));
  });
  return fits.sort(([a], [b]) => b.split(' ').length - a.split(' ').length)[0]?.[1];
}

/** @throws Error when a command that was asked for JSON printed a line that docs/json.md does not describe */
export function checkLines(args: readonly string[], out: string): void {
  if (!args.includes('--json')) return;
  const names = entryOf(args);
  if (!names) return;
  for (const line of out.split('\n').filter((text) => text !== '')) {
    const problem = problemOf(JSON.parse(line), [...names, 'DocumentItem']);
    if (problem)
      throw new Error(`dflow ${args.join(' ')} printed what docs/json.md does not know: ${line}\n${problem}`);
  }
}

const ITEMS = Object.keys(contract.$defs).filter((name) => name.endsWith('Item'));

/** @throws Error when a step yields an item that docs/json.md does not describe */
export function checkItem(item: { readonly kind: string }): void {
  const names = ITEMS.filter((name) => kindOf(contract.$defs[name]) === item.kind);
  const problem = problemOf(JSON.parse(JSON.stringify(item)), names);
  if (problem) throw new Error(`not in docs/json.md: ${JSON.stringify(item)}\n${problem}`);
}
