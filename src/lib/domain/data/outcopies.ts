// Copies of outputs: which rule wants which output where, the claim on a pass's copies to one element, and their place
// in the catalogue. A copy is one more entry of the same output, at another element. Pure.

import { type Iso, plus } from '../../util/time.ts';
import { groupBy } from '../../util/values/group.ts';
import { nth } from '../../util/values/have.ts';
import { refOf } from '../ids.ts';
import type { JobDoc, OutputClaim } from '../jobs/job.ts';
import type { Output } from '../jobs/states.ts';
import type { OutputRule } from '../settings.ts';
import { backOff, type Gone, isCooling, isLive } from './copyclaim.ts';
import type { CopyTask, Source } from './replicas.ts';
import { type Claim, claimed, isMade, type Renewal, type Result, type Settling } from './slots.ts';

/** Copies of outputs are made at this level: no buffer has it. */
export const OUTPUTS = 'outputs';

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

/** What can be copied now, to the same path as where it is. `usable`: elements that can be read and written. */
export function plannedOutputs(
  job: JobDoc,
  rules: readonly OutputRule[],
  usable: (storage: string) => boolean,
  now: Iso,
  gone: Gone,
  hurried = false,
): CopyTask[] {
  return publishedOutputs(job).flatMap(({ subjob, copies }) => {
    const good = copies.filter((copy) => copy.bad === undefined);
    const source = good.find((copy) => usable(copy.storage));
    if (!source) return [];
    const lacking = [...wantedAt(rules, job.module, source.type)].filter(
      (to) => usable(to) && !copies.some((copy) => copy.storage === to) && isFree(job.copies?.[to], now, gone, hurried),
    );
    const more = hurried ? { hurried } : {};
    return lacking.map((to) => ({ ...placeOf(job, subjob, source, to), source: whereOf(source), ...more }));
  });
}

/** One bad copy of an output, and where good ones are. */
export interface BadOutput {
  readonly task: Omit<CopyTask, 'source'>;
  readonly good: readonly Source[];
}

/** The bad copies of a pass at one element; none while somebody makes copies there. */
export function badOutputs(job: JobDoc, to: string, now: Iso, gone: Gone): BadOutput[] {
  if (!isFree(job.copies?.[to], now, gone, true)) return [];
  return publishedOutputs(job).flatMap(({ subjob, copies }) => {
    const good = copies.filter((copy) => copy.bad === undefined && copy.storage !== to).map(whereOf);
    const broken = copies.filter((copy) => copy.bad !== undefined && copy.storage === to);
    return broken.map((copy) => {
      const repair = { path: copy.path, why: copy.bad! };
      return { task: { ...placeOf(job, subjob, copy, to), repair }, good };
    });
  });
}

const whereOf = ({ storage: site, path }: Output): Source => ({ site, path });

function placeOf(job: JobDoc, subjob: number, file: Output, to: string): Omit<CopyTask, 'source'> {
  const { _id: id, run, module, pass } = job;
  const ref = refOf(run, module, pass, subjob);
  const attempt = (job.copies?.[to]?.attempt ?? 0) + 1;
  return { id, level: OUTPUTS, run, ref, file, to, path: file.path, attempt };
}

/** What was asked for does not wait until an earlier failure has cooled off. */
function isFree(claim: OutputClaim | undefined, now: Iso, gone: Gone, hurried: boolean): boolean {
  if (!claim) return true;
  return 'nonce' in claim ? !isLive(claim, now, gone) : hurried || !isCooling(claim, now);
}

/** The outputs of a pass, each with all its copies. */
export function publishedOutputs(job: JobDoc): { readonly subjob: number; readonly copies: readonly Output[] }[] {
  return job.subjobs.flatMap(({ index: subjob, state }) => {
    if (state.name !== 'completed') return [];
    const names = [...new Set(state.outputs.map(({ name }) => name))];
    return names.map((name) => ({ subjob, copies: state.outputs.filter((output) => output.name === name) }));
  });
}

/** True while the copy that a repair is to replace is in the catalogue, and bad. */
export function isBroken(job: JobDoc | undefined, { file, to, path }: CopyTask): boolean {
  return copiesOf(job).some((one) => one.bad !== undefined && isSame(one, { ...file, storage: to, path }));
}

/**
 * The job with the claim on its copies to each `to`; `undefined` when somebody else has one, or has tried since, or
 * nothing is left to be mended.
 */
export function claimOutputs(job: JobDoc, tasks: readonly CopyTask[], mine: Claim): JobDoc | undefined {
  const { now, gone } = mine;
  const copies = { ...job.copies };
  const due = tasks.filter((task) => !task.repair || isBroken(job, task));
  if (due.length === 0) return undefined;
  for (const { to, attempt, repair, hurried = false } of due) {
    const claim = job.copies?.[to];
    if (!isFree(claim, now, gone, repair !== undefined || hurried) || (claim?.attempt ?? 0) + 1 !== attempt)
      return undefined;
    copies[to] = { ...claimed(mine), attempt, since: now, ...failuresOf(claim) };
  }
  return { ...job, copies };
}

const failuresOf = (claim: OutputClaim | undefined): { failures?: number } =>
  claim?.failures === undefined ? {} : { failures: claim.failures };

export function isClaimed(job: JobDoc | undefined, to: string, nonce: string): boolean {
  const claim = job?.copies?.[to];
  return claim !== undefined && 'nonce' in claim && claim.nonce === nonce;
}

/** The job with this claim good until `expires`; `undefined` when there is none any more. */
export function renewOutputs(job: JobDoc, { nonce, renewed, expires }: Renewal): JobDoc | undefined {
  const mine = Object.entries(job.copies ?? {}).filter(([to]) => isClaimed(job, to, nonce));
  if (mine.length === 0) return undefined;
  return {
    ...job,
    copies: { ...job.copies, ...Object.fromEntries(mine.map(([to, one]) => [to, { ...one, renewed, expires }])) },
  };
}

/** The job with the copying to `to` given up; `undefined` when nobody copies there. */
export function cancelOutputs(job: JobDoc, to: string, now: Iso, why: string): JobDoc | undefined {
  const claim = job.copies?.[to];
  if (!claim || !('nonce' in claim)) return undefined;
  return {
    ...job,
    copies: {
      ...job.copies,
      [to]: { attempt: claim.attempt, ...failuresOf(claim), since: now, why: `canceled: ${why}`, retryAt: now },
    },
  };
}

/**
 * The job with its new copies in the catalogue, as far as the claim is still ours and the output is still the one that
 * was copied; and without the claims. Sources that were found wrong are marked. `undefined` when nothing of it changes.
 */
export function publishCopies(
  job: JobDoc,
  results: readonly Result[],
  { nonce, now, retry }: Pick<Settling, 'nonce' | 'now' | 'retry'>,
): JobDoc | undefined {
  const ours = results.filter(({ task }) => isClaimed(job, task.to, nonce));
  const faults = results.filter(({ fault }) => fault === 'replica');
  if (ours.length === 0 && faults.length === 0) return undefined;
  const copies = { ...job.copies };
  for (const [to, mine] of groupBy(ours, ({ task }) => task.to)) {
    const failed = mine.find(({ did }) => did === 'failed') ?? mine.find((result) => !isMade(result));
    const { attempt, repair } = nth(mine, 0).task;
    if (!failed) delete copies[to];
    else {
      const before = failuresOf(copies[to]);
      const more = failed.did === 'failed' ? { failures: (before.failures ?? 0) + 1 } : before;
      const later = failed.did === 'failed' && !repair ? backOff(more.failures ?? 1, retry) : 0;
      copies[to] = { attempt, ...more, since: now, why: failed.why ?? failed.did, retryAt: plus(now, later) };
    }
  }
  const made = ours.filter(isMade);
  const subjobs = job.subjobs.map((subjob) => {
    const { state } = subjob;
    if (state.name !== 'completed') return subjob;
    const marked = faults.reduce(withFault, state.outputs);
    return { ...subjob, state: { ...state, outputs: made.reduce((all, one) => withCopy(all, one, now), marked) } };
  });
  return { ...job, subjobs, copies };
}

function withFault(outputs: readonly Output[], { task, why }: Result): readonly Output[] {
  const wrong = { ...task.file, storage: task.source.site, path: task.source.path };
  return outputs.map((one) => (isSame(one, wrong) ? { ...one, bad: one.bad ?? why ?? 'differs' } : one));
}

/** A repaired copy is good again where it was; a new one is one more entry of what it was made from. */
function withCopy(outputs: readonly Output[], { task }: Result, now: Iso): readonly Output[] {
  const { file, source, to, path, repair } = task;
  const good = ({ bad: _, ...one }: Output): Output => ({ ...one, storage: to, checkedAt: now });
  if (repair) return outputs.map((one) => (isSame(one, { ...file, storage: to, path }) ? good(one) : one));
  const from = outputs.find((one) => isSame(one, { ...file, storage: source.site, path: source.path }));
  if (!from || outputs.some((one) => one.storage === to && one.name === from.name)) return outputs;
  return [...outputs, good(from)];
}

type Copy = Pick<Output, 'storage' | 'path' | 'adler32'>;

function isSame(one: Copy, other: Copy): boolean {
  return one.storage === other.storage && one.path === other.path && one.adler32 === other.adler32;
}

/** True when the copy is in the catalogue, and good. */
export function isPublished(job: JobDoc | undefined, { file, to, path }: CopyTask): boolean {
  return copiesOf(job).some((one) => one.bad === undefined && isSame(one, { ...file, storage: to, path }));
}

function copiesOf(job: JobDoc | undefined): readonly Output[] {
  return job?.subjobs.flatMap(({ state }) => (state.name === 'completed' ? state.outputs : [])) ?? [];
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
    const type = nth(copies, 0).type;
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

/** The job with a copy that stayed after all; `undefined` when its output is no longer the one that it is a copy of. */
export function withCopyAgain(job: JobDoc, { subjob, copy }: Surplus): JobDoc | undefined {
  let found = false;
  const subjobs = job.subjobs.map((one) => {
    const { state } = one;
    if (one.index !== subjob || state.name !== 'completed' || state.outputs.some((each) => isSame(each, copy)))
      return one;
    if (!state.outputs.some(({ name, guid }) => name === copy.name && guid === copy.guid)) return one;
    found = true;
    return { ...one, state: { ...state, outputs: [...state.outputs, copy] } };
  });
  return found ? { ...job, subjobs } : undefined;
}
