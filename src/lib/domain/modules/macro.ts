// Macros: command files with parameters, `{run}` and the like, filled in for each job. Pure; where the file stands and
// where the text goes is the business of others.

/** A command file as read with the configuration. */
export interface Macro {
  /** Name of the file in the scratch folder. */
  readonly name: string;
  readonly text: string;
}

/** What the parameters of a macro mean in one job. Paths are as the payload sees them in its scratch folder. */
export interface MacroFields {
  readonly run: number;
  readonly subrun: number;
  readonly pass: number;
  readonly module: string;
  readonly version: string;
  readonly level: string;
  readonly experiment: string;
  /** Empty where there is none. */
  readonly tag: string;
  readonly inputs: readonly string[];
  /** Type -> file name. */
  readonly outputs: Readonly<Record<string, string>>;
  /** The module's own. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** Parameters that every module has; besides them `{outputs.TYPE}` and its own. */
const MACRO_FIELDS = [
  'run',
  'subrun',
  'pass',
  'module',
  'version',
  'level',
  'experiment',
  'tag',
  'inputs',
  'input',
] as const;

/** `{name}`; `{{` and `}}` stand for the braces themselves. */
const PARAMETER = /\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_.]*)\}/g;

export interface UnknownParameter {
  readonly name: string;
  readonly line: number;
  readonly column: number;
}

/** Parameters of the text that a module with these outputs and parameters does not have. */
export function unknownParameters(text: string, known: ReadonlySet<string>): UnknownParameter[] {
  return text.split('\n').flatMap((line, index) =>
    [...line.matchAll(PARAMETER)].flatMap((match) => {
      const name = match[1];
      return name === undefined || known.has(name) ? [] : [{ name, line: index + 1, column: match.index + 1 }];
    }),
  );
}

/** Names of all parameters of a module. */
export function macroParameters(outputTypes: readonly string[], own: readonly string[]): Set<string> {
  return new Set([...MACRO_FIELDS, ...outputTypes.map((type) => `outputs.${type}`), ...own]);
}

/**
 * The text with its parameters filled in. `{inputs}` are all of them with blanks between; a line with `{input}` stands
 * once for each input. An unknown parameter stays as it is: the configuration was checked before.
 */
export function fillMacro(text: string, fields: MacroFields): string {
  const filled = text.split('\n').flatMap((line) => {
    const each = [...line.matchAll(PARAMETER)].some((match) => match[1] === 'input');
    return each ? fields.inputs.map((input) => fillLine(line, fields, input)) : [fillLine(line, fields, '')];
  });
  return filled.join('\n');
}

function fillLine(line: string, fields: MacroFields, input: string): string {
  return line.replace(PARAMETER, (whole, name: string | undefined) => {
    if (name === undefined) return whole.slice(1);
    return meaningOf(name, fields, input) ?? whole;
  });
}

function meaningOf(name: string, fields: MacroFields, input: string): string | undefined {
  if (Object.hasOwn(fields.parameters, name)) return fields.parameters[name];
  if (name.startsWith('outputs.')) return fields.outputs[name.slice('outputs.'.length)];
  if (name === 'inputs') return fields.inputs.join(' ');
  if (name === 'input') return input;
  const simple = ['run', 'subrun', 'pass', 'module', 'version', 'level', 'experiment', 'tag'] as const;
  const field = simple.find((known) => known === name);
  return field === undefined ? undefined : String(fields[field]);
}
