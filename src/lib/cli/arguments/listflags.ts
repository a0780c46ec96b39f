// Which selection flags each kind of `list` knows. One that a kind does not know is refused: ignored, it would list
// everything under the name of a selection.

import { globMatch } from '../../domain/hold.ts';
import { noSuchError } from '../../domain/named.ts';
import type { ArchivedDoc } from '../../domain/runs/archived.ts';
import { hasRun, type RunSet } from '../../domain/selection.ts';
import type { FarmRow } from '../../flow/reports/look/farmrows.ts';
import type { HoldRow } from '../../flow/reports/look/holdrows.ts';
import type { AnyRow, Kind } from '../../flow/reports/look/look.ts';
import type { RequestRow } from '../../flow/reports/look/requestrows.ts';
import type { RunRow } from '../../flow/reports/look/runrows.ts';
import { UsageError } from '../../util/errors.ts';
import { selection, type storage } from './flags.ts';

type FlagName = keyof typeof selection | keyof typeof storage;

const EVERY = Object.keys(selection) as FlagName[];

const KNOWN: Readonly<Record<Kind, readonly FlagName[]>> = {
  jobs: EVERY,
  replicas: [...EVERY, 'storage'],
  'first-pass': ['run', 'state'],
  runs: ['run', 'state', 'label'],
  data: ['run', 'level', 'label'],
  farms: ['state'],
  storage: ['state'],
  requests: ['request', 'version', 'state'],
  labels: [],
  holds: ['state'],
  loops: [],
  modules: ['module', 'version'],
  quarantine: ['run', 'level'],
  tables: [],
  archived: ['run', 'state'],
};

/** The states of rows, where they are words of their own. */
const STATES: Readonly<Partial<Record<Kind, readonly string[]>>> = {
  runs: ['open', 'complete'] satisfies RunRow['state'][],
  farms: ['ok', 'drained', 'silent', 'never seen'] satisfies FarmRow['state'][],
  requests: ['being made', 'open', 'done', 'ended'] satisfies RequestRow['state'][],
  holds: ['in force', 'expired'] satisfies NonNullable<HoldRow['state']>[],
  archived: ['leaving', 'archived', 'returning'] satisfies ArchivedDoc['state'][],
};

/** Kinds whose rows REFs select. */
const BY_REF: readonly Kind[] = ['jobs', 'replicas', 'first-pass', 'runs', 'data', 'archived'];

/** @throws UsageError when a flag or a REF is given that the kind does not know */
export function checkListFlags(kind: Kind, flags: Readonly<Record<string, unknown>>, refs: readonly string[]): void {
  const names = [...EVERY, 'storage'] as const;
  const strange = names.find((name) => flags[name] !== undefined && !KNOWN[kind].includes(name));
  const known = KNOWN[kind].map((name) => `--${name}`).join(', ') || 'no selection flag';
  const hint = `list ${kind} knows ${known}`;
  if (strange !== undefined) throw new UsageError(`list ${kind} does not know --${strange}`, { hint });
  checkStates(kind, flags.state);
  if (refs.length > 0 && !BY_REF.includes(kind))
    throw new UsageError(`list ${kind} takes no REF: '${refs[0]}'`, { hint });
}

function checkStates(kind: Kind, asked: unknown): void {
  const known = STATES[kind];
  if (!known || !Array.isArray(asked)) return;
  const wrong = asked.map(String).find((word) => word !== '' && !known.some((state) => globMatch(word, state)));
  if (wrong !== undefined) throw noSuchError('state', wrong, known, { in: `list ${kind}` });
}

interface RowFlags {
  readonly storage?: readonly string[] | undefined;
  readonly state?: readonly string[] | undefined;
  readonly version?: readonly string[] | undefined;
  readonly module?: readonly string[] | undefined;
  readonly request?: readonly string[] | undefined;
  readonly level?: readonly string[] | undefined;
}

/** Rows whose own fields match the flags: of kinds that select by nothing else. */
export function rowTest(kind: Kind, flags: RowFlags, runs: RunSet | undefined): (row: AnyRow) => boolean {
  const tests: ((row: Readonly<Record<string, unknown>>) => boolean)[] = [];
  const add = (field: string, values: readonly string[] | undefined): void => {
    if (values) tests.push((row) => values.some((value) => globMatch(value, String(row[field]))));
  };
  add('storage', flags.storage);
  if (kind !== 'jobs') add('state', flags.state);
  if (kind === 'requests') add('name', flags.request);
  if (kind === 'requests' || kind === 'modules') add('version', flags.version);
  if (kind === 'modules') add('ref', flags.module);
  if (kind === 'quarantine') add('level', flags.level);
  if (kind === 'quarantine' && runs) tests.push((row) => typeof row.run === 'number' && hasRun(runs, row.run));
  return (row) => tests.every((test) => test({ ...row }));
}
