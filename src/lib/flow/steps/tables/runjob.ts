// Running one job of the first pass that was claimed: its command, then what it printed, then the record. What was recorded
// is not repeated after a kill: a command that has ended well does not run again, only its tables are loaded.
import { join } from 'node:path';
import { appendHistory } from '../../../domain/doc.ts';
import {
  COMMAND_JOB,
  type FirstPassDoc,
  type FirstPassState,
  failuresOf,
  firstPassFile,
  isGivenUp,
} from '../../../domain/firstpass/firstpass.ts';
import { refOf } from '../../../domain/ids.ts';
import { tookEffect } from '../../../store.ts';
import type { ExecResult } from '../../../util/processes/exec.ts';
import { counted } from '../../../util/text/counted.ts';
import { DAY, exactDuration, type Iso, MINUTE, plus } from '../../../util/time.ts';
import { isAway, revisionsNow } from '../../jobs/tables/source.ts';
import type { Item, Ports, Step } from '../../ports.ts';
import { loadTables } from '../load/load.ts';

/** A job that this process may run, and until when nobody else does. */
export interface Claim extends Pick<FirstPassState, 'job' | 'missing'> {
  readonly run: number;
  readonly doc: FirstPassDoc;
  readonly leave: (() => Promise<void>) | undefined;
}

/** How a try ended. `away`: its tables cannot be loaded now. */
type End = { readonly did: 'completed' } | { readonly did: 'failed' | 'stopped' | 'away'; readonly why: string };

/** Loading what was printed takes less. */
export const LOADING = 5 * MINUTE;
/** Bytes of tables that one job may print. */
const MOST = 64 * 1024 * 1024;
/** Bytes of the log in which the last line is looked for. */
const END = 2_000;

export async function* runJob(ports: Ports, claim: Claim, files: readonly string[]): Step {
  try {
    if (ports.dry) return yield wouldRun(claim);
    const failed = claim.doc.state === 'loading' ? undefined : await command(ports, claim, files);
    const end = failed ?? (yield* loadPrinted(ports, claim));
    yield* settle(ports, claim, end);
  } finally {
    await claim.leave?.();
  }
}

/** The REF of a job; the job of `tables.command` has that of its run. */
const nameOf = ({ run, job }: Claim): string => (job.name === COMMAND_JOB ? refOf(run) : refOf(run, job.name));
const about = (claim: Claim) => ({ kind: 'run', ref: nameOf(claim), run: claim.run }) as const;

function wouldRun(claim: Claim): Item {
  const { job, missing } = claim;
  return { ...about(claim), did: 'tabled', text: `${missing.join(', ') || job.name}: ${job.run}` };
}

/** Runs the command; how it failed, or `undefined` once it is recorded that it ended well. */
async function command(ports: Ports, claim: Claim, args: readonly string[]): Promise<End | undefined> {
  const { settings, store } = ports;
  const { job, run, doc } = claim;
  const path = (what: 'log' | 'tables'): string => join(settings.folder, firstPassFile(run, job.name, doc.tries, what));
  await ports.files.replace(path('log'), `# run ${run}, ${job.name}, try ${doc.tries}, ${doc.since} on ${doc.host}\n`);
  const output = { stdout: path('tables'), stderr: path('log') };
  const result = await ports.processes.shellToFiles(job.run, args, output, {
    cwd: settings.folder,
    env: { DFLOW_RUN: String(run) },
    timeout: job.timeout,
    stopping: ports.stopping,
  });
  if (result.stopped) return { did: 'stopped', why: 'stopped with dflow tables' };
  if (result.failure !== undefined)
    return { did: 'failed', why: await failureText(ports, claim, result, output.stderr) };
  const now = await store.now();
  const outcome = await store.update<FirstPassDoc>(doc._id, (old) =>
    old?.nonce === doc.nonce
      ? { write: { ...old, state: 'loading', since: now, until: plus(now, LOADING) } }
      : { skip: 'another has taken it over' },
  );
  return tookEffect(outcome) ? undefined : { did: 'stopped', why: outcome.why ?? outcome.result };
}

async function failureText(ports: Ports, { job }: Claim, result: ExecResult, log: string): Promise<string> {
  const lines = ((await ports.files.readEnd(log, END)) ?? '').trimEnd().split('\n');
  // The shell adds how the command ended.
  const last = lines.findLast((line) => !/^(Terminated|Killed)$/.test(line)) ?? '';
  const time = result.timedOut ? `longer than ${exactDuration(job.timeout)}` : result.failure;
  const said = last === '' || last.startsWith('# ') ? '' : `: ${last}`;
  return `${job.name === COMMAND_JOB ? 'tables.command: ' : ''}${time}${said}`;
}

/** Loads the tables that it has printed, and looks whether those that it must make are there. */
async function* loadPrinted(ports: Ports, { run, job, doc, missing }: Claim): AsyncGenerator<Item, End, void> {
  const path = join(ports.settings.folder, firstPassFile(run, job.name, doc.tries, 'tables'));
  if ((await ports.files.identity(path)) === undefined) return { did: 'stopped', why: `${path} is gone` };
  const text = await ports.files.read(path, MOST);
  const name = `${job.name === COMMAND_JOB ? 'tables.command' : job.name} for ${run}`;
  const origin = `${doc._id} ${doc.tries}`;
  let failure: string | undefined;
  if (text.length > 0)
    for await (const item of loadTables(ports, [{ name, text }], { origin })) {
      if (item.failed) failure ??= item.text;
      else yield item;
    }
  const now = await revisionsNow(ports, missing, [run]);
  if (isAway(now)) return { did: 'away', why: now.text };
  const still = missing.filter((one) => now.get(run)?.[one] === undefined);
  if (still.length > 0) failure ??= `it printed no ${still.join(', ')} table for run ${run}`;
  return failure === undefined ? { did: 'completed' } : { did: 'failed', why: failure };
}

async function* settle(ports: Ports, claim: Claim, end: End): Step {
  const now = await ports.store.now();
  const outcome = await ports.store.update<FirstPassDoc>(claim.doc._id, (doc) =>
    doc?.nonce === claim.doc.nonce
      ? { write: settled(doc, end, now, ports.by) }
      : { skip: 'another has taken it over' },
  );
  if (!tookEffect(outcome) || !outcome.doc || end.did === 'stopped') return;
  if (end.did === 'completed') return yield { ...about(claim), did: 'tabled', text: `${claim.job.name} is completed` };
  yield failedItem(claim, outcome.doc, end);
}

function settled(old: FirstPassDoc, end: End, now: Iso, by: string): FirstPassDoc {
  const { why: _, ...rest } = old;
  const to = end.did === 'stopped' ? 'waiting' : end.did === 'away' ? 'loading' : end.did;
  const why = end.did === 'completed' ? {} : { why: end.why };
  const doc = { ...rest, history: appendHistory(rest.history ?? [], { at: now, from: rest.state, to, by, ...why }) };
  if (end.did === 'completed') return { ...doc, state: 'completed', failures: 0, since: now, until: now };
  if (end.did === 'stopped') return { ...doc, state: 'waiting', since: now, until: now };
  if (end.did === 'away') return { ...doc, state: 'loading', why: end.why, until: now };
  const failures = failuresOf(doc) + 1;
  const wait = Math.min(DAY, MINUTE * 2 ** Math.min(failures, 12));
  return { ...doc, state: 'failed', why: end.why, failures, since: now, until: plus(now, wait) };
}

function failedItem(claim: Claim, doc: FirstPassDoc, end: { readonly did: string; readonly why: string }): Item {
  const { job, run } = claim;
  const again = isGivenUp(job, doc)
    ? `; given up after ${counted(failuresOf(doc), 'failure', 'failures')}`
    : `; next try after ${doc.until}`;
  const byHand = `run by hand: DFLOW_RUN=${run} ${job.run}`;
  const next = job.name === COMMAND_JOB ? byHand : `dflow log ${nameOf(claim)}`;
  const text = end.did === 'away' ? `its tables are not loaded yet: ${end.why}` : `${end.why}${again}`;
  return { ...about(claim), did: 'failed', failed: true, text, next };
}
