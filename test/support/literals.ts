// Strings and templates of a source file as a person may read them, found by a parser: comments are not among them.
import { readFileSync } from 'node:fs';
import { parseAst } from 'vitest/node';

interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value;

/** What stands in a printed command for a value that is not known here. */
const VALUE = '1';

/** The longest text that an expression may make, with `1` for each unknown value. */
function rendered(node: Node): string {
  if (node.type === 'Literal') return typeof node.value === 'string' ? node.value : VALUE;
  if (node.type === 'ConditionalExpression')
    return [node.consequent, node.alternate]
      .map((one) => rendered(one as Node))
      .reduce((a, b) => (a.length >= b.length ? a : b));
  if (node.type !== 'TemplateLiteral') return VALUE;
  const values = (node.expressions as Node[]).map(rendered);
  return (node.quasis as { value: { cooked: string } }[])
    .map(({ value }, at) => value.cooked + (values[at] ?? ''))
    .join('');
}

/** Texts of more than one word in a source file. */
export function literals(file: string): string[] {
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (Array.isArray(value)) {
      value.forEach(walk);
      return;
    }
    if (!isNode(value) || /^(Import|ExportAll)/.test(value.type)) return;
    if (value.type === 'TemplateLiteral' || (value.type === 'Literal' && typeof value.value === 'string')) {
      found.push(rendered(value));
      if (value.type === 'TemplateLiteral') (value.expressions as unknown[]).forEach(walk);
    } else for (const [field, inner] of Object.entries(value)) if (field !== 'type') walk(inner);
  };
  walk(parseAst(readFileSync(file, 'utf8'), { lang: 'ts' }, file).body);
  return found.filter((text) => /\S\s+\S/.test(text));
}
