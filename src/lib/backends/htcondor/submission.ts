// The submit description of a claim, built from data. Pure.
//
// A key starts once: a job that a shadow was started for never matches again and is removed when it is idle once more.
// docs/systems.md says why (No job starts twice).

import { basename } from 'node:path';
import type { Task } from '../../backend.ts';
import { ConfigError } from '../../util/errors.ts';
import { SECOND } from '../../util/time.ts';
import { nth } from '../../util/values/have.ts';
import type { JobSpec } from '../../wrapper/spec.ts';
import { partsOf } from '../shared/folder/jobfolder.ts';
import type { CondorOptions } from './options.ts';

/** Subcodes of our own holds (HoldReasonCode 3). */
const MEMORY_HOLD = 101;
const TIME_HOLD = 102;

/** Seconds that a job which HTCondor holds for good stays in the queue for people to look at; then it is history. */
const SHOWN = 3_600;

/** Paths as HTCondor and the job need them. */
export interface JobPaths {
  readonly wrapper: string;
  readonly folder: string;
}

/** Tasks of one claim that go in one call: all or none of them say how much memory they need. */
export interface Part {
  readonly claim: string;
  readonly tasks: readonly Task[];
  readonly memory: boolean;
}

/** Parts of at most `size` tasks. A job without a request gets the pool's default, which no item of a list can name. */
export function partsOfClaim(claim: string, tasks: readonly Task[], size: number): Part[] {
  const parts: Part[] = [];
  for (const memory of [true, false]) {
    const list = tasks.filter(({ spec }) => (spec.memory !== undefined) === memory);
    for (let at = 0; at < list.length; at += size) parts.push({ claim, memory, tasks: list.slice(at, at + size) });
  }
  return parts;
}

/** The submit description of one part, for the standard input of condor_submit. */
export function submitDescription(store: string, part: Part, paths: JobPaths, options: CondorOptions): string {
  const log = `${paths.folder}/logs/${part.claim}/$(index).log`;
  return [
    // First: HTCondor believes the last line about a thing.
    ...options.extra,
    'universe = vanilla',
    'hold = true',
    `executable = ${paths.wrapper}`,
    `output = ${log}`,
    `error = ${log}`,
    'notification = never',
    ...(options.transfer ? travelling(part.claim, paths) : shared(part.claim, paths, log, options.scratch)),
    `My.DflowStore = "${store}"`,
    `My.DflowClaim = "${part.claim}"`,
    'My.DflowIndex = $(index)',
    `My.DflowKey = "${part.claim}.$(index)"`,
    'My.DflowTime = $(time)',
    'request_cpus = $(cpus)',
    ...(part.memory ? ['request_memory = $(memory)'] : []),
    ...policy(options),
    ...(options.accountingGroup === undefined ? [] : [`accounting_group = ${options.accountingGroup}`]),
    ...(options.accountingUser === undefined ? [] : [`accounting_group_user = ${options.accountingUser}`]),
    `queue index,cpus,memory,time${options.transfer ? ',files' : ''} from (`,
    ...part.tasks.map((task) => item(task, paths, options)),
    ')',
    '',
  ].join('\n');
}

function item({ key, spec }: Task, paths: JobPaths, options: CondorOptions): string {
  const limit = spec.limit > 0 ? spec.limit + options.margin / SECOND : (options.time ?? 0) / SECOND;
  const { claim, index } = partsOf(key);
  const words = [index, spec.cpus, Math.ceil(spec.memory ?? 0), Math.ceil(limit)];
  if (!options.transfer) return words.join(' ');
  // The last variable of an item is the rest of its line: the job file and the files of its module, blanks and all.
  return [...words, [`${paths.folder}/jobs/${claim}/${key}`, ...spec.files].join(',')].join(' ');
}

/** A list of files ends at commas, `$(x)` is a macro; there is no quoting. */
const FORBIDDEN = /[$"'\\,;\n]/;
/** What lies in the job's folder already. */
const TAKEN = /^(started|result|tmp|var|condor_exec\.exe|wrapper-.*|[._].*)$/;

/**
 * The names under which a module's files arrive on the worker, all in one folder.
 * @throws ConfigError HTCondor cannot transfer one, or two would meet there
 */
export function namesOnWorker({ ref, files }: JobSpec): readonly string[] {
  const names = files.map((path) => basename(path));
  for (const [at, path] of files.entries()) {
    const meets = names.indexOf(nth(names, at)) < at || TAKEN.test(nth(names, at));
    if (!meets && !FORBIDDEN.test(path)) continue;
    const problem = meets
      ? 'would collide with another file of this name on the worker'
      : 'has a name that HTCondor cannot transfer';
    throw new ConfigError(`${path} ${problem}`, { where: ref, hint: 'rename the file' });
  }
  return names;
}

/** One word of `arguments = "..."`: single quotes keep blanks; checkPath has refused what else would need quoting. */
function word(text: string): string {
  return `'${text}'`;
}

function shared(claim: string, paths: JobPaths, log: string, scratch: string | undefined): string[] {
  const words = [`${paths.folder}/jobs/${claim}/${claim}.$(index)`, paths.folder, 'once', log];
  if (scratch !== undefined) words.push(scratch);
  return ['should_transfer_files = NO', 'transfer_executable = false', `arguments = "${words.map(word).join(' ')}"`];
}

function travelling(claim: string, paths: JobPaths): string[] {
  const key = `${claim}.$(index)`;
  return [
    'should_transfer_files = YES',
    'when_to_transfer_output = ON_EXIT',
    'transfer_input_files = $(files)',
    `transfer_output_files = result/new/${key}`,
    `transfer_output_remaps = "${key}=${paths.folder}/incoming/${key}"`,
    `arguments = "${key}"`,
  ];
}

/** When a job may start, when HTCondor stops it, and what becomes of one that cannot go on. */
function policy(options: CondorOptions): string[] {
  const fresh = '(NumShadowStarts ?: 0) == 0';
  const memory = '(ResidentSetSize ?: 0) > 1024 * (RequestMemory ?: 1000000000)';
  const time = 'DflowTime > 0 && time() - EnteredCurrentStatus > DflowTime';
  const again = 'JobStatus == 1 && (NumShadowStarts ?: 0) > 0';
  const stuck = `JobStatus == 5 && (NumShadowStarts ?: 0) > 0 && time() - EnteredCurrentStatus > ${SHOWN}`;
  const memoryText = 'strcat("memory: ", ResidentSetSize / 1024, " MiB used of ", RequestMemory)';
  return [
    `requirements = ${fresh}${options.requirements === undefined ? '' : ` && (${options.requirements})`}`,
    `periodic_hold = JobStatus == 2 && ((${memory}) || (${time}))`,
    `periodic_hold_subcode = ifThenElse(${memory}, ${MEMORY_HOLD}, ${TIME_HOLD})`,
    `periodic_hold_reason = ifThenElse(${memory}, ${memoryText}, strcat("time: longer than ", DflowTime, " s"))`,
    `periodic_remove = (${again}) || (${stuck})`,
    'My.PeriodicRemoveReason = ifThenElse(JobStatus == 5, "it was held", "evicted: it had started and would start again")',
  ];
}
