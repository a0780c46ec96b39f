// The gates of the first pass, and its jobs in words. Pure.
import { refOf, runId } from '../ids.ts';
import { COMMAND_JOB, type FirstPassState, failuresOf } from './firstpass.ts';

interface OfRun {
  readonly run: number;
  readonly firstPass?: readonly FirstPassState[];
}

/** One gate for each job that the run waits for. */
export function firstPassGates({ run, firstPass = [] }: OfRun) {
  return firstPass
    .filter(({ job }) => job.required && !isCommandAlone(job.name, firstPass))
    .map((one) => firstPassGate(run, one));
}

/** One gate for each other job that is not completed, or has run. */
export function otherFirstPassGates({ run, firstPass = [] }: OfRun) {
  return firstPass
    .filter(({ job, doc }) => !job.required || (isCommandAlone(job.name, firstPass) && doc))
    .map((one) => firstPassGate(run, one));
}

/** Of `tables.command` the gate of the tables says it all, before it has run. */
const isCommandAlone = (name: string, all: readonly FirstPassState[]): boolean =>
  name === COMMAND_JOB && all.length === 1;

/** The gate of one job. */
export function firstPassGate(run: number, one: FirstPassState) {
  const { job, doc, state } = one;
  const optional = job.required ? '' : ' (not required)';
  const base = {
    gate: 'first-pass',
    text: `${job.name}${optional}: ${stateText(one)}`,
    ...(doc?.since ? { since: doc.since } : {}),
  };
  if (state === 'completed') return { ...base, ok: true };
  return { ...base, ok: false, next: nextOf(run, one), on: runId(run) };
}

/** `failed 3 times, given up: exit 2: no such file`. */
export function stateText({ doc, state, waitsFor, missing }: FirstPassState): string {
  const times = doc ? failuresOf(doc) : 0;
  const failed = `failed ${times === 1 ? 'once' : `${times} times`}`;
  if (state === 'failed') return `${failed}, given up: ${doc?.why ?? ''}`;
  if (state === 'held') return `${failed}: ${doc?.why ?? ''}; next try ${doc?.until ?? ''}`;
  if (state === 'running') return `runs${doc?.host === undefined ? '' : ` on ${doc.host}`}`;
  if (state === 'loading')
    return `has ended; its tables are not loaded yet${doc?.why === undefined ? '' : `: ${doc.why}`}`;
  if (state === 'completed') return doc?.state === 'completed' ? 'completed' : 'its tables exist';
  if (waitsFor.length > 0) return `waits for ${waitsFor.join(', ')}`;
  if (doc && doc.tries > 0) return 'waits for its next try';
  return missing.length > 0 ? `has not run yet: no ${missing.join(', ')} table` : 'has not run yet';
}

function nextOf(run: number, { job, state, waitsFor, due }: FirstPassState): string {
  const [need] = waitsFor;
  if (need !== undefined) return `dflow why ${refOf(run, need)}`;
  if (due) return 'dflow tables';
  if (state === 'failed' || state === 'held')
    return `dflow log ${refOf(run, job.name)}, then: dflow retry ${refOf(run, job.name)}`;
  return state === 'running' ? `dflow log ${refOf(run, job.name)}` : 'dflow tables';
}
