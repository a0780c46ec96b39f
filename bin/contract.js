// The JSON that commands print, read from its types (src/lib/cli/output/printed.ts) with their comments: a JSON Schema
// of each type, and by command the types that it prints.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { API, SymbolFlags, TypeFlags } from 'typescript/unstable/sync';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Aliases that say more than what they stand for. */
const ALIASES = { Iso: { type: 'string', format: 'date-time' }, Json: {} };

class Reader {
  defs = {};
  /** Unions that are being read: one that holds itself may be anything. */
  open = new Set();

  constructor(checker, project) {
    this.checker = checker;
    this.project = project;
  }

  /** The declaration of a field: where its comment and the words of its type are. */
  declaration(symbol) {
    return symbol.declarations[0]?.resolve(this.project);
  }

  /** The schema of one field. */
  field(symbol) {
    const node = this.declaration(symbol)?.type;
    const words = node?.typeName?.text;
    if (words in ALIASES) return ALIASES[words];
    const named = node && this.checker.getTypeFromTypeNode(node);
    // A type parameter says nothing: what stands for it does.
    const type = named && !named.isTypeParameter() ? named : this.checker.getTypeOfSymbol(symbol);
    return this.schema(type);
  }

  schema(type) {
    if (type.getAliasSymbol()?.name in ALIASES) return ALIASES[type.getAliasSymbol().name];
    if (type.isLiteralType()) return { const: type.value };
    if (type.flags & TypeFlags.String) return { type: 'string' };
    if (type.flags & TypeFlags.Number) return { type: 'number' };
    if (type.flags & TypeFlags.Boolean) return { type: 'boolean' };
    if (type.flags & TypeFlags.Null) return { type: 'null' };
    if (type.isUnionType()) return this.union(type);
    if (this.checker.isTupleType(type)) return this.tuple(type);
    if (this.checker.isArrayLikeType(type)) return this.list(type);
    if (type.flags & TypeFlags.Object || type.isIntersectionType()) return this.object(type);
    if (type.flags & (TypeFlags.Unknown | TypeFlags.BigInt)) return {};
    throw new Error(`no JSON: ${this.checker.typeToString(type)}`);
  }

  union(type) {
    if (this.open.has(type.id)) return {};
    this.open.add(type.id);
    try {
      return this.parts(type);
    } finally {
      this.open.delete(type.id);
    }
  }

  parts(type) {
    const parts = type.getTypes().filter((part) => !(part.flags & TypeFlags.Undefined));
    const words = parts.filter((part) => part.isStringLiteralType() || part.isNumberLiteralType());
    const booleans = parts.filter((part) => part.isBooleanLiteralType());
    const others = parts.filter((part) => !words.includes(part) && !booleans.includes(part));
    const schemas = [
      ...(words.length > 0 ? [{ enum: words.map((part) => part.value).sort() }] : []),
      ...(booleans.length === 2 ? [{ type: 'boolean' }] : booleans.map((part) => ({ const: part.value }))),
      ...others.map((part) => this.schema(part)),
    ];
    return schemas.length === 1 ? schemas[0] : { anyOf: schemas };
  }

  list(type) {
    const [item] = this.checker.getTypeArguments(type);
    return { type: 'array', items: this.schema(item) };
  }

  tuple(type) {
    const items = this.checker.getTypeArguments(type).map((part) => this.schema(part));
    return { type: 'array', items: items.length === 1 ? items[0] : { anyOf: items } };
  }

  /** A named type stands once among the definitions. */
  object(type) {
    const name = type.getAliasSymbol()?.name ?? type.getSymbol()?.name ?? '__type';
    const generic = (type.getAliasTypeArguments?.() ?? []).length > 0;
    if (name.startsWith('__') || generic || type.isIntersectionType()) return this.body(type);
    if (!(name in this.defs)) {
      this.defs[name] = {};
      Object.assign(this.defs[name], describe(this.comment(type)), this.body(type));
    }
    return { $ref: `#/$defs/${name}` };
  }

  comment(type) {
    return (type.getAliasSymbol() ?? type.getSymbol())?.getDocumentationComment(this.checker) ?? '';
  }

  body(type) {
    const fields = [...this.checker.getPropertiesOfType(type)].sort(asDeclared);
    const index = this.checker.getIndexInfosOfType(type)[0];
    const required = fields.filter((field) => !(field.flags & SymbolFlags.Optional)).map(({ name }) => name);
    const properties = fields.map((field) => {
      return [field.name, { ...describe(field.getDocumentationComment(this.checker)), ...this.field(field) }];
    });
    return {
      type: 'object',
      ...(properties.length > 0 ? { properties: Object.fromEntries(properties) } : {}),
      ...(required.length > 0 ? { required } : {}),
      additionalProperties: index ? this.schema(index.valueType) : false,
    };
  }
}

/** Fields with which every line begins. */
const FIRST = ['did', 'ref', 'kind'];

/** Fields as they are written; the compiler lists them in any order. */
function asDeclared({ name: a, declarations: [x] }, { name: b, declarations: [y] }) {
  const first = FIRST.indexOf(b) - FIRST.indexOf(a);
  const files = (x?.path ?? '').localeCompare(y?.path ?? '');
  return first || files || (x?.index ?? 0) - (y?.index ?? 0) || (a < b ? -1 : 1);
}

const describe = (text) => (text === '' ? {} : { description: text.replace(/\s+/g, ' ').trim() });

/** `{commands, $defs}`: names of types by command, and the schema of each type by its name. */
export function contract() {
  const api = new API({ cwd: root });
  try {
    const config = join(root, 'bin/json.tsconfig.json');
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    const { checker } = project;
    const file = project.program.getSourceFile(join(root, 'src/lib/cli/output/printed.ts'));
    const printed = checker
      .getExportsOfModule(checker.getSymbolAtLocation(file))
      .find(({ name }) => name === 'Printed');
    const reader = new Reader(checker, project);
    const commands = {};
    for (const field of checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(printed))) {
      const schema = reader.schema(checker.getTypeOfSymbol(field));
      commands[field.name] = (schema.anyOf ?? [schema]).map(({ $ref }) => $ref.slice('#/$defs/'.length)).sort();
    }
    return { commands, $defs: reader.defs };
  } finally {
    api.close();
  }
}
