// Delete: outputs of passes, by type. The receipt is on disk first, then the catalogue forgets them by compare-and-swap,
// then the bytes go: a catalogue that names a file that is not there is worse than a file that nobody names. The next
// delete, or transfer, removes what a deletion that was stopped has left.

import { jobPrefix, refOf } from '../../../domain/ids.ts';
import { type JobDoc, type Move, transition } from '../../../domain/jobs/job.ts';
import { isActive, type Output } from '../../../domain/jobs/states.ts';
import { noSuchError } from '../../../domain/named.ts';
import { idsWith, tookEffect } from '../../../store.ts';
import type { Receipt } from '../../../util/files/receipt.ts';
import type { Iso } from '../../../util/time.ts';
import { groupBy } from '../../../util/values/group.ts';
import { nth } from '../../../util/values/have.ts';
import { noteLeft, settleLeft, stayingOf } from '../../copies/removal/leftovers.ts';
import { type Going, Removal } from '../../copies/removal/removal.ts';
import { Sites } from '../../copies/sites.ts';
import { withDryRun } from '../../dry.ts';
import { requireCredentials } from '../../farms/credentials.ts';
import type { About, Ports, Step, StepOptions } from '../../ports.ts';

export interface DeleteOptions extends StepOptions {
  /** Only outputs of these types; a pass that keeps others stays what it is. */
  readonly types?: readonly string[];
  readonly why?: string;
}

/** An output with the subjob that has it. */
interface Doomed {
  readonly subjob: number;
  readonly output: Output;
}

/**
 * Deletes the outputs of `jobs`. Items: `{kind: 'job', ref, did: 'deleted'|'kept', outputs, bytes, receipt}`.
 * @throws UsageError when no job has an output of such a type; StoreError, CredentialsError
 */
export function deleteOutputs(ports: Ports, jobs: readonly JobDoc[], options: DeleteOptions = {}): Step {
  return withDryRun(ports, options, (on) => deleteAll(on, jobs, options));
}

async function* deleteAll(ports: Ports, jobs: readonly JobDoc[], options: DeleteOptions): Step {
  checkTypes(jobs, options.types);
  yield* requireCredentials(ports);
  const nonce = ports.nonce();
  const receipt = ports.receipts.make(ports.settings.folder, 'delete', await ports.store.now(), nonce);
  const sites = new Sites(ports);
  const call: Call = { ports, options, sites, receipt, removal: new Removal(sites, receipt, nonce), settled: true };
  try {
    if (!options.dryRun) yield* settleLeft(ports, sites);
    for (const job of jobs) yield* deleteOne(call, job);
  } finally {
    await receipt.close(call.settled);
  }
}

/** What one call works with. */
interface Call {
  readonly ports: Ports;
  readonly options: DeleteOptions;
  readonly sites: Sites;
  readonly receipt: Receipt;
  readonly removal: Removal;
  /** False while something that the receipt names may still be there. */
  settled: boolean;
}

function checkTypes(jobs: readonly JobDoc[], types: readonly string[] | undefined): void {
  const known = new Set(jobs.flatMap((job) => Object.keys(job.outputs)));
  const wrong = jobs.length > 0 ? types?.find((type) => !known.has(type)) : undefined;
  if (wrong !== undefined) throw noSuchError('output type', wrong, known, { in: 'the selected passes' });
}

async function* deleteOne(call: Call, job: JobDoc): Step {
  const { ports, options, receipt } = call;
  const item: About<'job'> = {
    kind: 'job',
    ref: refOf(job.run, job.module, job.pass),
    run: job.run,
    module: job.module,
    pass: job.pass,
  };
  const doomed = doomedOf(job, options.types);
  const sum = { outputs: doomed.length, bytes: doomed.reduce((bytes, { output }) => bytes + output.size, 0) };
  const summary = `${sum.outputs} outputs${options.types ? ` (${options.types.join(', ')})` : ''}`;
  const refusal = await refused(ports, job);
  if (refusal) {
    yield { ...item, did: 'kept', failed: true, ...refusal };
    return;
  }
  if (options.dryRun) {
    yield { ...item, did: 'deleted', ...sum, text: summary, dryRun: true };
    return;
  }
  if (job.state === 'deleted' && doomed.length === 0) return;
  const { by, host } = ports;
  const going = goingOf(job, doomed, { by, host });
  if (going.length === 0) await receipt.write([{ kind: 'delete', id: job._id, ref: item.ref, outputs: 0, by, host }]);
  await call.removal.announce(going);
  const outcome = await forget(ports, job, doomed, receipt.name, options.why ?? 'deleted by an operator');
  if (outcome !== undefined) {
    yield { ...item, did: 'kept', failed: true, text: outcome, next: `dflow show ${item.ref}` };
    return;
  }
  const kept = await remove(call, going);
  await noteLeft(ports, job._id, receipt.name, new Set(kept.map(({ site }) => site)));
  const problem = kept[0]?.why;
  if (problem === undefined) yield { ...item, did: 'deleted', ...sum, text: summary, receipt: receipt.name };
  else {
    const next = `dflow delete --state deleted ${item.ref}`;
    yield { ...item, did: 'deleted', ...sum, failed: true, text: `${summary}; bytes are left: ${problem}`, next };
  }
}

/** What is to go, and the outputs of the same subjob that must still be there when it has. */
function goingOf(job: JobDoc, doomed: readonly Doomed[], who: { by: string; host: string }): Going[] {
  const ref = refOf(job.run, job.module, job.pass);
  const bySubjob = groupBy(doomed, ({ subjob }) => subjob);
  return [...bySubjob].flatMap(([subjob, mine]) => {
    const going = new Set(mine.map(({ output }) => keyOf(subjob, output)));
    const stays = doomedOf(job, undefined).filter(
      (one) => one.subjob === subjob && !going.has(keyOf(subjob, one.output)),
    );
    return mine.map(({ output }): Going => {
      const line = { kind: 'delete', id: job._id, ref, subjob, ...output, ...who };
      const stay = stayingOf(
        stays.map((one) => one.output),
        output.name,
      );
      return { site: output.storage, path: output.path, stay, line };
    });
  });
}

function doomedOf(job: JobDoc, types: readonly string[] | undefined): Doomed[] {
  return job.subjobs.flatMap(({ index, state }) => {
    if (state.name !== 'completed') return [];
    const outputs = state.outputs.filter(({ type }) => types?.includes(type) !== false);
    return outputs.map((output) => ({ subjob: index, output }));
  });
}

/** What keeps a pass from being deleted: it may run, or another open pass needs what it made. */
async function refused({ store }: Ports, job: JobDoc): Promise<{ text: string; next: string } | undefined> {
  const ref = refOf(job.run, job.module, job.pass);
  if (job.subjobs.some(({ state }) => isActive(state)))
    return { text: 'the job may be running', next: `dflow cancel ${ref}` };
  const others = await store.range<JobDoc>(idsWith(jobPrefix(job.run)));
  const user = others.find((other) => isOpen(other) && other.needs.some((need) => need.job === job._id));
  if (!user) return undefined;
  const name = refOf(user.run, user.module, user.pass);
  return { text: `${name} (${user.state}) needs these outputs`, next: `dflow cancel ${name}` };
}

function isOpen(job: JobDoc): boolean {
  return job.subjobs.some(({ state }) => isActive(state) || state.name === 'waiting' || state.name === 'held');
}

/** The catalogue forgets the outputs. Answers why it could not. */
async function forget(ports: Ports, job: JobDoc, doomed: readonly Doomed[], receipt: string, why: string) {
  const at = await ports.store.now();
  const paths = new Set(doomed.map(({ subjob, output }) => keyOf(subjob, output)));
  const outcome = await ports.store.update<JobDoc>(job._id, (doc) => {
    if (!doc || doc.subjobs.some(({ state }) => isActive(state)))
      return { skip: 'it has been started again meanwhile' };
    const there = new Set(doomedOf(doc, undefined).map(({ subjob, output }) => keyOf(subjob, output)));
    if ([...paths].some((path) => !there.has(path))) return { skip: 'its outputs have changed meanwhile' };
    return { write: without(doc, paths, { receipt, at, by: ports.by, why }) };
  });
  return tookEffect(outcome) ? undefined : (outcome.why ?? outcome.result);
}

const keyOf = (subjob: number, { storage, path }: Output): string => JSON.stringify([subjob, storage, path]);

interface Deletion {
  readonly receipt: string;
  readonly at: Iso;
  readonly by: string;
  readonly why: string;
}

/** The job without these outputs: a subjob that has none left is deleted, as are those that never made any. */
function without(job: JobDoc, paths: ReadonlySet<string>, { receipt, at, by, why }: Deletion): JobDoc {
  const kept = job.subjobs.map(({ index, state }) =>
    state.name === 'completed' ? state.outputs.filter((output) => !paths.has(keyOf(index, output))) : [],
  );
  const all = kept.every((outputs) => outputs.length === 0);
  const moves = job.subjobs.flatMap(({ index, state }): Move[] => {
    const gone = state.name === 'completed' ? nth(kept, index).length === 0 : all;
    const may = state.name === 'completed' || state.name === 'failed' || state.name === 'canceled';
    if (!gone || !may) return [];
    return [{ index, event: 'remove', to: { name: 'deleted', since: at, receipt }, why: `${why}, ${receipt}` }];
  });
  const moved = transition(job, moves, at, by);
  const subjobs = moved.subjobs.map((subjob) =>
    subjob.state.name === 'completed'
      ? { ...subjob, state: { ...subjob.state, outputs: nth(kept, subjob.index) } }
      : subjob,
  );
  return { ...moved, subjobs };
}

/** Removes the bytes. Answers where some are left, and why. */
async function remove(call: Call, going: readonly Going[]): Promise<{ site: string; why: string }[]> {
  const settled = call.settled;
  call.settled = false;
  const fates = await call.removal.remove(going);
  const kept = fates.flatMap((fate, at) =>
    fate.gone || fate.missing === true ? [] : [{ site: nth(going, at).site, why: fate.why }],
  );
  call.settled = settled && kept.length === 0;
  return kept;
}
