// A name that nobody defined, answered in one voice: what there is none of, what was probably meant, what exists, and the
// command that shows it.
import { type ErrorDetail, UsageError } from '../util/errors.ts';
import { knownNames, nearest } from '../util/text/near.ts';

/** What has a name, and the command that lists it. */
const LISTED = {
  farm: 'dflow list farms',
  'storage element': 'dflow list storage',
  source: 'dflow list storage',
  level: 'dflow config show',
  module: 'dflow module check',
  version: 'dflow module check',
  'run type': 'dflow config show',
  request: 'dflow list requests',
  label: 'dflow list labels',
  tag: 'dflow list tables',
  cause: 'dflow policy test --all',
  state: 'dflow list --help',
  'pass state': 'dflow list jobs --state all',
  'quarantine reason': 'dflow list quarantine',
  'output type': 'dflow list jobs --state all',
  kind: 'dflow list --help',
  'summary field': 'dflow list --help',
  loop: 'dflow list loops',
  view: 'dflow store info',
  shell: 'dflow completion --help',
} as const;

export type Named = keyof typeof LISTED;

export interface NamedDetail extends Omit<ErrorDetail, 'hint'> {
  /** Within what the name was looked for: `version 7.0.8`. */
  readonly in?: string;
}

/** `no farm 'sfu2'; did you mean sfu? known: cedar, sfu`. */
export function noSuch(what: string, name: string, known: Iterable<string>, within?: string): string {
  const names = [...new Set(known)];
  const near = nearest(name, names);
  const meant = near === undefined ? '' : `did you mean ${near}? `;
  return `no ${what} '${name}'${within === undefined ? '' : ` in ${within}`}; ${meant}${knownNames(names)}`;
}

/** The usage error for a name that is not among `known`. */
export function noSuchError(what: Named, name: string, known: Iterable<string>, detail: NamedDetail = {}): UsageError {
  const { in: within, ...rest } = detail;
  const names = [...known];
  const near = nearest(name, names);
  const hint = near === undefined ? LISTED[what] : `the same command with ${near}`;
  return new UsageError(noSuch(what, name, names, within), { ...rest, hint });
}

/** `name`, as one of `known`. @throws UsageError with the near miss and what exists */
export function named<K extends string>(what: Named, name: string, known: Iterable<K>, detail?: NamedDetail): K {
  const names = [...known];
  const found = names.find((one) => one === name);
  if (found === undefined) throw noSuchError(what, name, names, detail);
  return found;
}
