// From keys to Slurm's names and back, without a file or a table between: a claim is one job name, the index of a key is
// its array task. An array's task numbers end below MaxArraySize, so a later part of a large claim carries its base in
// the name: index = base + task. Pure.

import type { Task } from '../../backend.ts';
import { UnreachableError } from '../../util/errors.ts';
import { nth } from '../../util/values/have.ts';
import type { JobSpec } from '../../wrapper/spec.ts';
import { partsOf } from '../shared/folder/jobfolder.ts';

export function jobName(prefix: string, claim: string, base: number): string {
  return base === 0 ? `${prefix}${claim}` : `${prefix}${claim}+${base}`;
}

/** Claim and base of a job name; `undefined` when it is not one of ours. */
export function parseName(prefix: string, name: string): { claim: string; base: number } | undefined {
  if (!name.startsWith(prefix)) return undefined;
  const match = /^([A-Za-z0-9][A-Za-z0-9_-]*)(?:\+(\d+))?$/.exec(name.slice(prefix.length));
  return match ? { claim: nth(match, 1), base: Number(match[2] ?? 0) } : undefined;
}

/** Tasks of one claim that Slurm takes in one call: the same resources, the same base. */
export interface ArrayPart {
  readonly claim: string;
  readonly base: number;
  /** Array task numbers, ascending. */
  readonly tasks: readonly number[];
  readonly keys: readonly string[];
  readonly spec: JobSpec;
}

/** One task of an array. */
export interface ArrayRow {
  readonly task: number;
  readonly key: string;
}

export function rowsOf({ tasks, keys }: ArrayPart): ArrayRow[] {
  return tasks.map((task, at) => ({ task, key: nth(keys, at) }));
}

/** The same with these tasks only: several arrays may have one name, as long as they share no number. */
export function withRows(part: ArrayPart, rows: readonly ArrayRow[]): ArrayPart {
  return { ...part, tasks: rows.map(({ task }) => task), keys: rows.map(({ key }) => key) };
}

/** Groups tasks by what they ask for and by where `size` (MaxArraySize: one more than the largest number) cuts. */
export function arrayParts(claim: string, tasks: readonly Task[], size: number): ArrayPart[] {
  const groups = new Map<string, { base: number; spec: JobSpec; rows: ArrayRow[] }>();
  for (const { key, spec } of tasks) {
    const index = Number(partsOf(key).index);
    const base = index - (index % size);
    const name = [base, spec.cpus, spec.memory ?? '-', spec.limit].join(' ');
    const row = { task: index - base, key };
    const group = groups.get(name);
    if (group) group.rows.push(row);
    else groups.set(name, { base, spec, rows: [row] });
  }
  return [...groups.values()].map(({ base, spec, rows }) => {
    rows.sort((a, b) => a.task - b.task);
    return { claim, base, spec, tasks: rows.map(({ task }) => task), keys: rows.map(({ key }) => key) };
  });
}

/** Job names under which keys may be known. */
export function namesOf(prefix: string, keys: readonly string[], size: number): string[] {
  const names = keys.map((key) => {
    const { claim, index } = partsOf(key);
    return jobName(prefix, claim, Number(index) - (Number(index) % size));
  });
  return [...new Set(names)];
}

/** `0-4,7,9-10` of ascending numbers. */
export function ranges(numbers: readonly number[]): string {
  const parts: string[] = [];
  for (let at = 0; at < numbers.length; ) {
    let end = at;
    while (end + 1 < numbers.length && numbers[end + 1] === nth(numbers, end) + 1) end += 1;
    parts.push(end === at ? `${numbers[at]}` : `${numbers[at]}-${numbers[end]}`);
    at = end + 1;
  }
  return parts.join(',');
}

/** Slurm's own limit on MaxArraySize. */
const MOST_TASKS = 4_000_001;

/**
 * The numbers of `0-2,5,8-12:2%4`, as Slurm writes task lists.
 * @throws UnreachableError no Slurm has so many: what it printed is damaged, and says nothing of any job
 */
export function expand(list: string): number[] {
  return list
    .replace(/%\d+$/, '')
    .split(',')
    .flatMap((part) => {
      const match = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part);
      if (!match) return [];
      const [first, last, step] = [Number(match[1]), Number(match[2] ?? match[1]), Number(match[3] ?? 1)];
      if (last >= MOST_TASKS) throw new UnreachableError(`Slurm listed impossible array tasks: ${list.slice(0, 100)}`);
      return Array.from({ length: Math.floor((last - first) / Math.max(1, step)) + 1 }, (_, at) => first + at * step);
    });
}

/** Longest argument list of one call, characters. */
const LONGEST = 60_000;

/** Backend ids `12_0 12_1 13_5` -> `12_[0-1]`, `13_[5]`, in lists that fit on a command line. */
export function packIds(ids: readonly string[]): string[][] {
  const byJob = new Map<string, number[]>();
  for (const id of ids) {
    const [job = '', task = ''] = id.split('_');
    const tasks = byJob.get(job);
    if (tasks) tasks.push(Number(task));
    else byJob.set(job, [Number(task)]);
  }
  const lists: string[][] = [];
  let length = Number.POSITIVE_INFINITY;
  for (const [job, tasks] of byJob) {
    const text = `${job}_[${ranges([...new Set(tasks)].sort((a, b) => a - b))}]`;
    if (length + text.length > LONGEST) {
      lists.push([]);
      length = 0;
    }
    nth(lists, -1).push(text);
    length += text.length + 1;
  }
  return lists;
}
