// Delete: outputs of passes, by type. The receipt is on disk first, then the catalogue forgets them by compare-and-swap,
// then the bytes go: a catalogue that names a file that is not there is worse than a file that nobody names. Asked for
// again, a deletion that was stopped removes what its receipt names.
import { refOf, runPad } from '../../../domain/ids.ts';
import { type JobDoc, type Move, transition } from '../../../domain/jobs/job.ts';
import { isActive, type Output } from '../../../domain/jobs/states.ts';
import { idsWith, tookEffect } from '../../../store.ts';
import { DflowError, ItemError, messageOf, UsageError } from '../../../util/errors.ts';
import { groupBy } from '../../../util/group.ts';
import { suggestion } from '../../../util/near.ts';
import { newReceipt, type Receipt, readReceipt } from '../../../util/receipt.ts';
import type { Iso } from '../../../util/time.ts';
import { requireCredentials } from '../../farms/credentials.ts';
import type { Ports, Step, StepOptions } from '../../ports.ts';

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
export async function* deleteOutputs(ports: Ports, jobs: readonly JobDoc[], options: DeleteOptions = {}): Step {
  checkTypes(jobs, options.types);
  yield* requireCredentials(ports, options);
  const receipt = newReceipt(ports.settings.folder, 'delete', await ports.store.now(), ports.nonce());
  try {
    for (const job of jobs) yield* deleteOne(ports, job, receipt, options);
  } finally {
    await receipt.close();
  }
}

function checkTypes(jobs: readonly JobDoc[], types: readonly string[] | undefined): void {
  const known = new Set(jobs.flatMap((job) => Object.keys(job.outputs)));
  const wrong = jobs.length > 0 ? types?.find((type) => !known.has(type)) : undefined;
  if (wrong !== undefined)
    throw new UsageError(`no selected pass has outputs of type ${wrong}`, { hint: suggestion(wrong, known) });
}

async function* deleteOne(ports: Ports, job: JobDoc, receipt: Receipt, options: DeleteOptions): Step {
  const item = {
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
  const left = await unfinished(ports, job);
  if (doomed.length === 0 && left.length === 0 && job.state === 'deleted') return;
  const { by, host } = ports;
  const lines = doomed.map(({ subjob, output }) => ({
    kind: 'delete',
    id: job._id,
    ref: item.ref,
    subjob,
    ...output,
    by,
    host,
  }));
  const why = options.why ?? 'deleted by an operator';
  if (job.state !== 'deleted') {
    await receipt.write(
      lines.length > 0 ? lines : [{ kind: 'delete', id: job._id, ref: item.ref, outputs: 0, by, host }],
    );
    const outcome = await forget(ports, job, doomed, receipt.name, why);
    if (outcome !== undefined) {
      yield { ...item, did: 'kept', failed: true, text: outcome, next: `dflow show ${item.ref}` };
      return;
    }
  }
  const problem = await remove(ports, [...doomed.map(({ output }) => output), ...left]);
  if (problem === undefined) yield { ...item, did: 'deleted', ...sum, text: summary, receipt: receipt.name };
  else {
    const next = options.types ? 'dflow verify names what is left' : `dflow delete --state deleted ${item.ref}`;
    yield { ...item, did: 'deleted', ...sum, failed: true, text: `${summary}; bytes are left: ${problem}`, next };
  }
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
    return { text: 'it may be running', next: `dflow cancel ${ref}` };
  const others = await store.range<JobDoc>(idsWith(`job:${runPad(job.run)}:`));
  const user = others.find((other) => isOpen(other) && other.needs.some((need) => need.job === job._id));
  if (!user) return undefined;
  const name = refOf(user.run, user.module, user.pass);
  return { text: `${name} (${user.state}) needs it`, next: `dflow cancel ${name}` };
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
    const gone = state.name === 'completed' ? kept[index]!.length === 0 : all;
    const may = state.name === 'completed' || state.name === 'failed' || state.name === 'canceled';
    if (!gone || !may) return [];
    return [{ index, event: 'remove', to: { name: 'deleted', since: at, receipt }, why: `${why}, ${receipt}` }];
  });
  const moved = transition(job, moves, at, by);
  const subjobs = moved.subjobs.map((subjob) =>
    subjob.state.name === 'completed'
      ? { ...subjob, state: { ...subjob.state, outputs: kept[subjob.index]! } }
      : subjob,
  );
  return { ...moved, subjobs };
}

/** What the receipts of an earlier deletion of this job name and is still there. */
async function unfinished(ports: Ports, job: JobDoc): Promise<Output[]> {
  const names = new Set(job.subjobs.flatMap(({ state }) => (state.name === 'deleted' ? state.receipt : [])));
  const lines = await Promise.all([...names].map((name) => readReceipt(ports.settings.folder, name)));
  const named = lines.flat().filter((line) => line.id === job._id && typeof line.path === 'string');
  const left: Output[] = [];
  for (const [name, mine] of groupBy(named as unknown as Output[], ({ storage }) => storage)) {
    const there = await (await ports.storage(name)).stat(mine.map(({ path }) => path));
    left.push(...mine.filter(({ path }) => there.has(path)));
  }
  return left;
}

/** Removes the bytes. Answers what kept it from that, at the first element that did. */
async function remove(ports: Ports, outputs: readonly Output[]): Promise<string | undefined> {
  let problem: string | undefined;
  for (const [name, mine] of groupBy(outputs, ({ storage }) => storage)) {
    try {
      await (await ports.storage(name)).remove(mine.map(({ path }) => path));
    } catch (error) {
      if (!(error instanceof DflowError) || (!(error instanceof ItemError) && error.exit !== 5)) throw error;
      problem ??= messageOf(error);
    }
  }
  return problem;
}
