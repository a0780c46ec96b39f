// Which passes a request starts from: `latest`, `new` or a number, for every module that is needed or for one of them, also
// of another version: `new,Processing=latest@7.0.7`. Pure.

/** Which pass of one module. */
export interface Choice {
  readonly pass: 'latest' | 'new' | number;
  /** Only passes made with this version. */
  readonly version?: string;
}

interface Choices {
  readonly every: Choice;
  readonly of: ReadonlyMap<string, Choice>;
}

const LATEST: Choice = { pass: 'latest' };
const PART = /^(?:([A-Za-z0-9][\w.-]*)=)?(latest|new|[1-9]\d{0,5})(?:@([A-Za-z0-9][\w.+-]*))?$/;

/** What a request says; `undefined` where it cannot be read. */
export function prerequisitesOf(text: string | undefined): Choices | undefined {
  let every: Choice | undefined;
  const of = new Map<string, Choice>();
  for (const word of text === undefined ? [] : text.split(',')) {
    const [, module, pass, version] = PART.exec(word.trim()) ?? [];
    if (pass === undefined || (pass === 'new' && version !== undefined)) return undefined;
    const which: Choice['pass'] = pass === 'latest' || pass === 'new' ? pass : Number(pass);
    const choice = { pass: which, ...(version ? { version } : {}) };
    if (module === undefined ? every : of.has(module)) return undefined;
    if (module === undefined) every = choice;
    else of.set(module, choice);
  }
  return { every: every ?? LATEST, of };
}

/** The choice for one module; `own`: it was made for this module alone. */
export function choiceFor(
  text: string | undefined,
  module: string,
): { readonly choice: Choice; readonly own: boolean } {
  const found = prerequisitesOf(text);
  const own = found?.of.get(module);
  return { choice: own ?? found?.every ?? LATEST, own: own !== undefined };
}

/** `completed pass of Processing made with 7.0.7`. */
export function choiceText({ pass, version }: Choice, module: string): string {
  const what = typeof pass === 'number' ? `pass ${pass} of ${module}` : `completed pass of ${module}`;
  return version === undefined ? what : `${what} made with ${version}`;
}
