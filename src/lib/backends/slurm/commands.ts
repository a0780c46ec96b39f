// What is said to Slurm: arguments and the batch script, built from data. Pure.

import { MINUTE, SECOND } from '../../util/time.ts';
import { nth } from '../../util/values/have.ts';
import heartbeat from '../../wrapper/heartbeat.sh';
import { quote } from '../../wrapper/spec.ts';
import { type ArrayPart, ranges } from './arrays.ts';
import type { SlurmOptions } from './options.ts';

/** Seconds before its time limit at which Slurm warns a job. */
const WARNING = 60;

/**
 * The signal of that warning. HUP, since Slurm uses it for nothing else: TERM is what scancel and preemption send. The
 * wrapper treats both the same.
 */
export const WARNING_SIGNAL = { name: 'HUP', number: 1 } as const;

/** Paths as the job needs them. */
export interface JobPaths {
  readonly wrapper: string;
  /** Shared folder: started/, result/. */
  readonly folder: string;
  /** Folder of this claim's job files. */
  readonly jobs: string;
  /** Folder of this claim's logs. */
  readonly logs: string;
}

/**
 * Arguments of sbatch for one held array. Its script comes on stdin.
 * The log's name has task and job number: that is how a job's number is known where there is no accounting.
 */
export function sbatchArgs(name: string, part: ArrayPart, paths: JobPaths, options: SlurmOptions): string[] {
  const minutes = timeLimit(part, options);
  return [
    // Nothing undoes these three. Before the farm's words, since getopt gives a long option that lacks its value the next
    // word, whatever it is: a job that loses its --hold starts before it is recorded, and again.
    '--hold',
    '--parsable',
    '--no-requeue',
    ...options.extra,
    // The one that may be lost so: a job that is never requeued opens its log once. Of the others what is said last counts.
    '--open-mode=append',
    `--array=${ranges(part.tasks)}`,
    `--job-name=${name}`,
    `--output=${escapePattern(paths.logs)}/${part.base}+%a.%j.log`,
    `--chdir=${paths.folder}`,
    '--nodes=1',
    '--ntasks=1',
    `--cpus-per-task=${part.spec.cpus}`,
    `--signal=B:${WARNING_SIGNAL.name}@${WARNING}`,
    ...(part.spec.memory === undefined ? [] : [`--mem=${Math.ceil(part.spec.memory)}M`]),
    ...(minutes === undefined ? [] : [`--time=${minutes}`]),
    ...(options.partition === undefined ? [] : [`--partition=${options.partition}`]),
    ...(options.account === undefined ? [] : [`--account=${options.account}`]),
    ...(options.qos === undefined ? [] : [`--qos=${options.qos}`]),
  ];
}

/** Minutes; Slurm knows nothing finer. Beyond the wrapper's own limit, so that the wrapper's word comes first. */
function timeLimit(part: ArrayPart, options: SlurmOptions): number | undefined {
  if (part.spec.limit > 0) return Math.max(1, Math.ceil((part.spec.limit * SECOND + options.margin) / MINUTE));
  return options.time === undefined ? undefined : Math.max(1, Math.ceil(options.time / MINUTE));
}

function escapePattern(path: string): string {
  return path.replaceAll('%', '%%');
}

/** The batch script of an array: it becomes the wrapper, so that signals to the batch shell reach it. */
export function batchScript(part: ArrayPart, paths: JobPaths, { scratch, beat }: SlurmOptions): string {
  const log = `${quote(`${paths.logs}/${part.base}+`)}"$SLURM_ARRAY_TASK_ID.$SLURM_JOB_ID.log"`;
  const last = scratch === undefined ? '' : ` ${shellPath(scratch)}`;
  return [
    '#!/bin/sh',
    `key=${part.claim}.$((${part.base} + SLURM_ARRAY_TASK_ID))`,
    `beat=${quote(paths.folder)}/beats/"$key" every=${Math.max(1, Math.round(beat / SECOND))}`,
    heartbeat,
    `exec sh ${quote(paths.wrapper)} ${quote(paths.jobs)}/"$key" ${quote(paths.folder)} once ${log}${last}`,
    '',
  ].join('\n');
}

/** A path whose first part may be a variable. */
function shellPath(path: string): string {
  const match = /^(\$[A-Za-z_][A-Za-z0-9_]*)(.*)$/s.exec(path);
  return match ? `"${match[1]}"${match[2] ? quote(match[2]) : ''}` : quote(path);
}

/** Task and job number in a log's name. */
export function parseLogName(name: string): { index: number; job: string } | undefined {
  const match = /^(\d+)\+(\d+)\.(\d+)\.log$/.exec(name);
  return match ? { index: Number(match[1]) + Number(match[2]), job: nth(match, 3) } : undefined;
}

/** Names in one call; more and all of the user's jobs since then are asked for. */
const NAMES = 200;

/** Arguments of sacct for ended jobs of these names, submitted at most `age` ms ago. */
export function sacctArgs(user: string, names: readonly string[], age: number): string[] {
  return [
    '-X',
    '-n',
    '-P',
    '-o',
    'jobid,jobname,state,exitcode,reason',
    '-u',
    user,
    '-S',
    `now-${Math.ceil(age / SECOND)}seconds`,
    ...(names.length > NAMES ? [] : [`--name=${names.join(',')}`]),
  ];
}

/** Variables that change what Slurm's commands show or do, or that belong to a job that dflow itself may run in. */
const MISLEADING = /^(SQUEUE|SACCT|SBATCH|SCANCEL|SCONTROL)_|^SLURM_(?!CONF$|CLUSTERS$)/;

/** Names to be taken out of the environment; `DFLOW_...` (credentials among them) is not for jobs. */
export function strangeNames(names: readonly string[]): string[] {
  return names.filter((name) => MISLEADING.test(name) || name.startsWith('DFLOW_'));
}
