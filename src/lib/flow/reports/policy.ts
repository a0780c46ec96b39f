// The policy table tried on what has failed before: which cause each failure has, and what would follow. Changes nothing.

import { refOf } from '../../domain/ids.ts';
import type { JobDoc, Subjob } from '../../domain/jobs/job.ts';
import { type Asked, type Evidence, judge, ruleFor, rulesFor, type Verdict } from '../../domain/jobs/policy.ts';
import { type Failure, keyOf, lockOf } from '../../domain/jobs/states.ts';
import type { Settings } from '../../domain/settings.ts';
import { DflowError } from '../../util/errors.ts';
import { humanDuration } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import { addTo } from '../../util/values/group.ts';
import { views } from '../../views/index.ts';
import type { ReadPorts } from '../ports.ts';
import type { Row, Rows } from './look/row.ts';

/** What the policy says of a failure. */
export interface VerdictRow extends Row<'verdict'> {
  readonly cause: string;
  readonly action: 'retry' | 'later' | 'more' | 'hold' | 'fail';
  /** The action in words. */
  readonly verdict: string;
  /** Which rule decided: `2 of 9`. */
  readonly rule: string;
  /** The reason that was recorded. */
  readonly text: string;
}

/** A failure as recorded: what the wrapper, the batch system or the log said of one attempt. */
export interface RecordedFailure {
  /** REF of a job, or the place in a file. */
  readonly ref: string;
  readonly exit?: number;
  readonly signal?: number;
  readonly phase?: string;
  readonly text?: string;
  readonly site?: string;
  readonly module?: string;
  readonly version?: string;
  /** Earlier failures of the same subjob. */
  readonly failures?: number;
}

/** The cause and verdict of one failure, as the first one of its job unless it says otherwise. */
export function verdictRow(settings: Settings, seen: RecordedFailure): VerdictRow {
  const version = seen.version ?? versionOf(settings, seen.module);
  const def = version === undefined ? undefined : settings.modules[version]?.modules[seen.module ?? ''];
  const rules = def && version !== undefined ? rulesFor(settings, version, def.name) : settings.policy;
  const text = seen.text ?? '';
  const evidence: Evidence = {
    site: seen.site ?? settings.farm,
    phase: seen.phase ?? (seen.exit === undefined && seen.signal === undefined ? 'lost' : 'payload'),
    reason: text.split('\n')[0] ?? '',
    text,
    ...given({ exit: seen.exit, signal: seen.signal }),
  };
  const asked: Asked = { module: def ?? {}, attempt: {} };
  const { failure, verdict } = judge(rules, evidence, seen.failures ?? 0, def?.tries ?? 3, asked);
  const rule = ruleFor(rules, evidence);
  return {
    kind: 'verdict',
    ref: seen.ref,
    cause: failure.cause,
    action: verdict.action,
    verdict: words(verdict),
    rule: rule ? `${rules.indexOf(rule) + 1} of ${rules.length}` : 'none',
    text: evidence.reason,
  };
}

/** The version that a module is looked up in when none is said: the automatic one, else the last that has it. */
function versionOf({ automatic, modules }: Settings, module: string | undefined): string | undefined {
  if (module === undefined) return automatic.version;
  const having = Object.values(modules).filter((file) => module in file.modules);
  const named = having.find((file) => file.version === automatic.version) ?? having.at(-1);
  return named?.version;
}

function words(verdict: Verdict): string {
  switch (verdict.action) {
    case 'retry':
      return 'again now';
    case 'later':
      return `again after ${humanDuration(verdict.wait)}`;
    case 'more': {
      const { memory, time } = verdict.resources;
      return `again with ${memory === undefined ? humanDuration(time ?? 0) : `${memory} MiB`}`;
    }
    case 'hold':
      return 'held until a person acts';
    case 'fail':
      return 'failed for good';
  }
}

/** Characters of a log that rules are tried on. */
const TAIL = 4_096;
/** Jobs read at a time. */
const BATCH = 200;

/** Verdicts of every failure that stands in the store now, with the end of its log where the batch system keeps it. */
export async function* verdicts(ports: ReadPorts): Rows<VerdictRow> {
  const rows = await ports.store.view(views.causes);
  const ids = [...new Set(rows.map((row) => row.id))];
  for (let at = 0; at < ids.length; at += BATCH) {
    const jobs = await ports.store.get<JobDoc>(ids.slice(at, at + BATCH));
    const failed = [...jobs.values()].flatMap((job) => failuresOf(job));
    const logs = await tails(ports, failed);
    for (const one of failed) yield verdictRow(ports.settings, recorded(one, logs));
  }
}

interface Failed {
  readonly job: JobDoc;
  readonly subjob: Subjob;
  readonly failure: Failure;
}

function failuresOf(job: JobDoc): Failed[] {
  return job.subjobs.flatMap((subjob) => {
    const failure = 'failure' in subjob.state ? subjob.state.failure : undefined;
    return failure ? [{ job, subjob, failure }] : [];
  });
}

function recorded({ job, subjob, failure }: Failed, logs: ReadonlyMap<string, string>): RecordedFailure {
  const lock = lockOf(subjob.state);
  const log = lock && logs.get(keyOf(lock));
  const { exit, signal, phase, reason, site } = failure;
  return {
    ref: refOf(job.run, job.module, job.pass, subjob.index),
    module: job.module,
    version: job.version,
    site,
    text: [reason, log].filter((part) => part !== undefined).join('\n'),
    failures: Math.max(0, subjob.failures - 1),
    ...given({ exit, signal, phase }),
  };
}

/** The ends of logs by key. A batch system that cannot be asked leaves the recorded reason. */
async function tails(ports: ReadPorts, failed: readonly Failed[]): Promise<Map<string, string>> {
  const bySite = new Map<string, string[]>();
  for (const { subjob } of failed) {
    const lock = lockOf(subjob.state);
    if (lock) addTo(bySite, lock.site, keyOf(lock));
  }
  const texts = new Map<string, string>();
  for (const [site, keys] of bySite) {
    try {
      const backend = await ports.backend(site);
      for (const [key, text] of await backend.logs(keys, TAIL)) texts.set(key, text);
    } catch (error) {
      if (!(error instanceof DflowError)) throw error;
    }
  }
  return texts;
}
