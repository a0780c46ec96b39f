// The examination of a set-up: every check at once, within limits, and none waits for what does not answer.

import { noSuch } from '../../../domain/named.ts';
import type { CheckItem } from '../../../domain/results/items.ts';
import { parallel } from '../../../util/concurrency.ts';
import { CredentialsError, DflowError, LoginError, messageOf, StoreError, UsageError } from '../../../util/errors.ts';
import { SECOND } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { type Check, type Finding, failed, type Look, notChecked, PATIENCE, type Patient } from './check.ts';
import { CHECKS } from './checks.ts';

export interface DoctorOptions {
  /** Names of checks, or of groups. */
  readonly only?: readonly string[];
  readonly dryRun?: boolean;
  /** Only what asks no server and no other program. */
  readonly offline?: boolean;
  /** Milliseconds that each look may take; default: its own limit. */
  readonly patience?: number;
  readonly checks?: readonly Check[];
}

/** Looks at once. Each may start a program or two. */
const AT_ONCE = 8;

/**
 * One item for each thing that was looked at, as it was found out.
 * @throws UsageError a name of `only` that no check has
 */
export async function* doctor(patient: Patient, options: DoctorOptions = {}): AsyncGenerator<CheckItem, void, void> {
  const looks = chosen(patient, options);
  const found = parallel(looks, AT_ONCE, ({ check, look }) => examine(patient, check, look, options));
  for await (const items of found) yield* items;
}

interface Chosen {
  readonly check: Check;
  readonly look: Look;
}

/** Looks of the checks, groups and subjects that `--only` names; all without it. */
function chosen(patient: Patient, { checks = CHECKS, only = [], offline = false }: DoctorOptions): Chosen[] {
  const all = checks
    .filter((check) => !offline || check.offline)
    .flatMap((check) => check.looks(patient).map((look) => ({ check, look })));
  const namesOf = ({ check: { group, name }, look: { subject } }: Chosen): string[] => [
    ...[name, group],
    refOf(name, subject),
  ];
  const unknown = only.find((name) => !all.some((one) => namesOf(one).includes(name)));
  if (unknown === undefined)
    return only.length === 0 ? all : all.filter((one) => namesOf(one).some((name) => only.includes(name)));
  const known = [...new Set([...checks.map(({ name }) => name), ...all.flatMap(namesOf)])];
  throw new UsageError(
    noSuch(
      'check',
      unknown,
      known.filter((name) => !name.includes('/') || unknown.includes('/')),
    ),
    {
      where: '--only',
      hint: 'dflow doctor --verbose --format tsv',
    },
  );
}

/** `storage/fnal`, as `--only` takes it. */
function refOf(name: string, subject: string): string {
  return name === subject ? name : `${name}/${subject}`;
}

async function examine(
  patient: Patient,
  check: Check,
  look: Look,
  { dryRun = false, patience }: DoctorOptions,
): Promise<CheckItem[]> {
  const started = patient.clock();
  const skipped = dryRun && look.touches !== undefined;
  const answer = skipped
    ? notChecked(`without --dry-run: ${look.touches}`)
    : await answerOf(patient, check, look, patience ?? look.limit ?? PATIENCE);
  const seconds = Math.round((patient.clock() - started) / 100) / 10;
  const findings = 'outcome' in answer ? [answer] : answer;
  return findings.map((one) => ({ ...itemOf(check, look, one, seconds), ...(skipped ? { dryRun: true } : {}) }));
}

function itemOf({ name, group }: Check, look: Look, finding: Finding, seconds: number): CheckItem {
  const { outcome, found, fix, subject = look.subject, refused } = finding;
  return {
    kind: 'check',
    ref: refOf(name, subject),
    did: outcome,
    ...(outcome === 'failed' ? { failed: true } : {}),
    group,
    check: name,
    subject,
    text: found,
    ...given({ next: fix, refused }),
    seconds,
  };
}

/** What the look says, or that it says nothing in time. */
async function answerOf(
  patient: Patient,
  check: Check,
  look: Look,
  limit: number,
): Promise<Finding | readonly Finding[]> {
  const over = new AbortController();
  const late = patient
    .sleep(limit, over.signal)
    .then(() => failed(`no answer within ${Math.round(limit / SECOND)} s`, silenceFix(check, look)));
  try {
    return await Promise.race([
      look.look(over.signal).catch((error: unknown) => meaningOf(patient, check, look, error)),
      late,
    ]);
  } finally {
    over.abort();
  }
}

function silenceFix({ group }: Check, { subject }: Look): string {
  if (group === 'storage') return `ask the site; until then: dflow storage disable ${subject} --for 12h --why TEXT`;
  if (group === 'farm') return `ask the site; until then: dflow farm drain ${subject} --for 12h --why TEXT`;
  if (group === 'store') return 'start the store, or correct `store:` in dflow.yaml';
  return 'look whether the folder is mounted and its server answers: df -h';
}

/** What an error says of the set-up. That the store is away, or not set up, is said once. */
async function meaningOf({ store }: Patient, check: Check, look: Look, error: unknown): Promise<Finding> {
  if (error instanceof StoreError)
    return notChecked(`needs the store: ${error instanceof LoginError ? 'login refused' : 'store/answers says why'}`);
  if (error instanceof UsageError && !(await isSetUp(store))) return notChecked('needs a store that is set up');
  if (!(error instanceof DflowError))
    return failed(
      `this check broke: ${messageOf(error)}`,
      'a defect of dflow: DEBUG=dflow dflow doctor, then report it',
    );
  const fix = error.hint ?? (error instanceof CredentialsError ? 'make new credentials' : silenceFix(check, look));
  return failed(error.message, fix);
}

async function isSetUp(store: Patient['store']): Promise<boolean> {
  return store.info().then(
    ({ experiment }) => experiment !== undefined,
    () => true,
  );
}
