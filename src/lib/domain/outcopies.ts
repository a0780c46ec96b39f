// Copies of outputs: which rule wants which output where, the claim on a pass's copies to one element, and their place
// in the catalogue. A copy is one more entry of the same output, at another element. Pure.
import { type Iso, plus } from '../util/time.ts';
import type { JobDoc } from './job.ts';
import type { OutputRule } from './settings.ts';
import { backOff } from './slots.ts';
import type { Output } from './states.ts';

/** One host's claim on making the copies of a pass at one element, or why its last try failed. */
export type OutputClaim =
  | { readonly attempt: number; readonly nonce: string; readonly host: string; readonly expires: Iso }
  | { readonly attempt: number; readonly why: string; readonly retryAt: Iso };

/** One output of a subjob to be copied to one element, at the same path as where it is. */
export interface OutputTask {
  readonly job: string;
  readonly subjob: number;
  readonly source: Output;
  readonly to: string;
  readonly attempt: number;
}

export const ruleCovers = ({ module, type }: OutputRule, job: string, output: string): boolean =>
  (module === undefined || module === job) && (type === undefined || type === output);

/** Elements that shall have a copy of an output. */
export function wantedAt(rules: readonly OutputRule[], module: string, type: string): Set<string> {
  return new Set(rules.filter((rule) => ruleCovers(rule, module, type)).flatMap(({ to }) => to));
}

/** Elements from which an output may go once it is where it shall be: all others, where every rule for it says so. */
export function movesAway(rules: readonly OutputRule[], module: string, type: string): boolean {
  const mine = rules.filter((rule) => ruleCovers(rule, module, type));
  return mine.length > 0 && mine.every(({ keep }) => !keep);
}

/** What can be copied now. `usable`: elements that can be read and written. */
export function plannedOutputs(
  job: JobDoc,
  rules: readonly OutputRule[],
  usable: (storage: string) => boolean,
  now: Iso,
): OutputTask[] {
  return publishedOutputs(job).flatMap(({ subjob, copies }) => {
    const good = copies.filter((copy) => copy.bad === undefined);
    const source = good.find((copy) => usable(copy.storage));
    if (!source) return [];
    const lacking = [...wantedAt(rules, job.module, source.type)].filter(
      (to) => usable(to) && !copies.some((copy) => copy.storage === to) && isFree(job.copies?.[to], now),
    );
    return lacking.map((to) => ({
      job: job._id,
      subjob,
      source,
      to,
      attempt: (job.copies?.[to]?.attempt ?? 0) + 1,
    }));
  });
}

function isFree(claim: OutputClaim | undefined, now: Iso): boolean {
  if (!claim) return true;
  return ('nonce' in claim ? claim.expires : claim.retryAt) <= now;
}

/** The outputs of a pass, each with all its copies. */
export function publishedOutputs(job: JobDoc): { readonly subjob: number; readonly copies: readonly Output[] }[] {
  return job.subjobs.flatMap(({ index: subjob, state }) => {
    if (state.name !== 'completed') return [];
    const names = [...new Set(state.outputs.map(({ name }) => name))];
    return names.map((name) => ({ subjob, copies: state.outputs.filter((output) => output.name === name) }));
  });
}

export interface OutputClaimer {
  readonly nonce: string;
  readonly host: string;
  readonly now: Iso;
  readonly expires: Iso;
}

/** The job with the claim on its copies to `to`; `undefined` when somebody else has it, or has tried since. */
export function claimOutputs(
  job: JobDoc,
  tasks: readonly OutputTask[],
  { nonce, host, now, expires }: OutputClaimer,
): JobDoc | undefined {
  const copies = { ...job.copies };
  for (const { to, attempt } of tasks) {
    const claim = job.copies?.[to];
    if (!isFree(claim, now) || (claim?.attempt ?? 0) + 1 !== attempt) return undefined;
    copies[to] = { attempt, nonce, host, expires };
  }
  return { ...job, copies };
}

export function isClaimed(job: JobDoc | undefined, to: string, nonce: string): boolean {
  const claim = job?.copies?.[to];
  return claim !== undefined && 'nonce' in claim && claim.nonce === nonce;
}

/** The job with this claim good until `expires`; `undefined` when there is none any more. */
export function renewOutputs(job: JobDoc, nonce: string, expires: Iso): JobDoc | undefined {
  const mine = Object.entries(job.copies ?? {}).filter(([to]) => isClaimed(job, to, nonce));
  if (mine.length === 0) return undefined;
  return {
    ...job,
    copies: { ...job.copies, ...Object.fromEntries(mine.map(([to, one]) => [to, { ...one, expires }])) },
  };
}

export interface OutputResult {
  readonly task: OutputTask;
  /** `released`: not the file's fault. */
  readonly did: 'verified' | 'failed' | 'released';
  readonly why?: string;
}

/**
 * The job with its new copies in the catalogue, as far as the claim is still ours and the output is still the one that
 * was copied; and without the claims. `undefined` when no claim of it is ours.
 */
export function publishCopies(
  job: JobDoc,
  results: readonly OutputResult[],
  settling: { readonly nonce: string; readonly now: Iso; readonly retry: number },
): JobDoc | undefined {
  const { nonce, now, retry } = settling;
  const ours = results.filter(({ task }) => isClaimed(job, task.to, nonce));
  if (ours.length === 0) return undefined;
  const copies = { ...job.copies };
  for (const to of new Set(ours.map(({ task }) => task.to))) {
    const mine = ours.filter(({ task }) => task.to === to);
    const failed = mine.find(({ did }) => did === 'failed') ?? mine.find(({ did }) => did === 'released');
    const { attempt } = mine[0]!.task;
    if (!failed) delete copies[to];
    else {
      const retryAt = failed.did === 'released' ? now : plus(now, backOff(attempt, retry));
      copies[to] = { attempt, why: failed.why ?? failed.did, retryAt };
    }
  }
  const subjobs = job.subjobs.map((subjob) => {
    const { state } = subjob;
    if (state.name !== 'completed') return subjob;
    const added = ours.flatMap(({ task, did }): Output[] => {
      const { source, to } = task;
      const still =
        did === 'verified' && task.subjob === subjob.index && state.outputs.some((one) => isSame(one, source));
      if (!still || state.outputs.some((one) => one.storage === to && one.name === source.name)) return [];
      const { bad: _, ...rest } = source;
      return [{ ...rest, storage: to, checkedAt: now }];
    });
    return added.length === 0 ? subjob : { ...subjob, state: { ...state, outputs: [...state.outputs, ...added] } };
  });
  return { ...job, subjobs, copies };
}

function isSame(one: Output, other: Output): boolean {
  return one.storage === other.storage && one.path === other.path && one.adler32 === other.adler32;
}

/** True when the copy is in the catalogue. */
export function isPublished(job: JobDoc | undefined, { subjob, source, to }: OutputTask): boolean {
  const state = job?.subjobs[subjob]?.state;
  return state?.name === 'completed' && state.outputs.some((one) => one.storage === to && one.path === source.path);
}

/** A copy that may go: its output is good at every element that shall have it. */
export interface Surplus {
  readonly subjob: number;
  readonly copy: Output;
  /** The copies that stay, to be checked again first. */
  readonly stay: readonly Output[];
}

export function surplusOf(job: JobDoc, rules: readonly OutputRule[]): Surplus[] {
  return publishedOutputs(job).flatMap(({ subjob, copies }) => {
    const type = copies[0]!.type;
    const wanted = wantedAt(rules, job.module, type);
    if (!movesAway(rules, job.module, type)) return [];
    const stay = copies.filter((copy) => wanted.has(copy.storage) && copy.bad === undefined);
    if (stay.length < wanted.size) return [];
    return copies.filter((copy) => !wanted.has(copy.storage)).map((copy) => ({ subjob, copy, stay }));
  });
}

/** The job without these copies; `undefined` when one that shall stay is no longer good, or it has changed otherwise. */
export function withoutCopies(job: JobDoc, gone: readonly Surplus[], rules: readonly OutputRule[]): JobDoc | undefined {
  const surplus = surplusOf(job, rules);
  const still = gone.every(({ subjob, copy }) =>
    surplus.some((one) => one.subjob === subjob && isSame(one.copy, copy)),
  );
  if (!still) return undefined;
  const subjobs = job.subjobs.map((subjob) => {
    const { state } = subjob;
    if (state.name !== 'completed') return subjob;
    const mine = gone.filter((one) => one.subjob === subjob.index);
    return {
      ...subjob,
      state: { ...state, outputs: state.outputs.filter((one) => !mine.some(({ copy }) => isSame(one, copy))) },
    };
  });
  return { ...job, subjobs };
}
