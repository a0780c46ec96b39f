// Passes that outputs at storage elements and result records prove, made into documents again, each in an end state: so
// no pass of their number is made or submitted a second time. Pure.

import { counted } from '../../util/text/counted.ts';
import type { Iso } from '../../util/time.ts';
import { groupBy } from '../../util/values/group.ts';
import { guidOf, outputLfn } from '../data/identity.ts';
import { appendHistory } from '../doc.ts';
import { refOf } from '../ids.ts';
import type { JobDoc, Subjob } from '../jobs/job.ts';
import { ENDED, type Lock, type Output, passState, type SubjobState, type Usage } from '../jobs/states.ts';

/** A pass, by the path of an output. */
export interface PassName {
  readonly run: number;
  readonly module: string;
  readonly pass: number;
}

/** An output that was found, with its checksum where it could be asked for. */
export interface FoundOutput extends PassName {
  readonly storage: string;
  readonly path: string;
  readonly execution: string;
  readonly name: string;
  readonly subrun: number;
  readonly suffix: string;
  /** Absent: a record names the output, but the file is not there. */
  readonly size?: number;
  readonly modified: Iso;
  readonly adler32?: string;
}

/** What a record says of an execution that ended well. */
export interface Recorded {
  readonly lock: Lock;
  readonly usage: Usage;
  /** Software version; records of older wrappers do not say it. */
  readonly version?: string;
  /** By path: `adler32:...` as the wrapper saw it, or of another kind. */
  readonly checksums: ReadonlyMap<string, string>;
}

const OUTPUT = /^outputs\/([A-Za-z0-9_.-]+)\/(\d{10})\/p(\d{3,})\/([^/]+)\/([^/]+)$/;

/** What the path of an output says; `undefined`: it is not one. Names are those of `outputName`. */
export function outputOf(path: string): Omit<FoundOutput, 'storage' | 'modified'> | undefined {
  const [, module = '', run = '', pass = '', execution = '', name = ''] = OUTPUT.exec(path) ?? [];
  const stem = `${module}_r${run}_s`;
  const rest = name.startsWith(stem)
    ? new RegExp(`^(\\d{3,})_p${pass}\\.(.+)$`, 's').exec(name.slice(stem.length))
    : null;
  if (!rest) return undefined;
  const [, subrun = '', suffix = ''] = rest;
  const numbers = { run: Number(run), pass: Number(pass), subrun: Number(subrun) };
  return { module, ...numbers, execution, name, suffix, path };
}

export interface RebuildingPass {
  /** The document with its subjobs, from the store or as the module makes it. */
  readonly skeleton: JobDoc;
  /** The store has the pass: only subjobs that have not ended are decided. */
  readonly known: boolean;
  readonly found: readonly FoundOutput[];
  /** By execution. */
  readonly records: ReadonlyMap<string, Recorded>;
  readonly experiment: string;
  /** The farm to assume where no record names one. */
  readonly site: string;
  readonly at: Iso;
  readonly by: string;
}

export interface RebuiltPass {
  readonly job: JobDoc;
  readonly evidence: string;
}

/** The pass in an end state; `undefined`: the store knows as much already. */
export function rebuiltPass(given: RebuildingPass): RebuiltPass | undefined {
  const { skeleton, known, found, at, by } = given;
  const whole = known ? skeleton : withSubjobs(skeleton, found);
  const subjobs = whole.subjobs.map((subjob): Subjob => {
    const own = found.filter(({ subrun }) => subrun === (subjob.subrun ?? 0));
    const state = stateOf(whole, subjob, own, given);
    return state === undefined ? subjob : { ...subjob, attempt: Math.max(1, subjob.attempt), state };
  });
  if (subjobs.every((subjob, at) => subjob === whole.subjobs[at])) return undefined;
  const state = passState(subjobs.map((subjob) => subjob.state));
  const evidence = evidenceOf(subjobs, found, given.records);
  const history = appendHistory(known ? whole.history : [], { at, to: state, by, why: `rebuilt: ${evidence}` });
  return { job: { ...whole, subjobs, state, since: at, history }, evidence };
}

/** When outputs have subruns that the module would not make today, the pass gets one subjob for each subrun found. */
function withSubjobs(job: JobDoc, found: readonly FoundOutput[]): JobDoc {
  const proven = [...new Set(found.map(({ subrun }) => subrun))].sort((a, b) => a - b);
  if (proven.every((subrun) => job.subjobs.some((subjob) => (subjob.subrun ?? 0) === subrun))) return job;
  const state: SubjobState = { name: 'waiting', since: job.created, wake: { kind: 'ready' } };
  const subjobs = proven.map((subrun, index) => ({ index, subrun, inputs: [], attempt: 0, failures: 0, state }));
  return { ...job, subjobs };
}

/** `undefined`: it stays as it is. */
function stateOf(
  job: JobDoc,
  subjob: Subjob,
  own: readonly FoundOutput[],
  { known, records, experiment, site, at }: RebuildingPass,
): SubjobState | undefined {
  const ended = subjob.state.name === 'failed' ? false : ENDED.has(subjob.state.name);
  if (known && ended) return undefined;
  const executions = [...groupBy(own, ({ execution }) => execution)];
  const judged = executions.map(([execution, files]) => {
    const record = records.get(execution);
    return { execution, record, modified: files[0]?.modified ?? '', ...outputsOf(job, files, record, experiment) };
  });
  const rank = ({ lacks, record, modified, execution }: (typeof judged)[number]): string =>
    `${+(lacks === '')}${+(record !== undefined)} ${modified} ${execution}`;
  const best = judged.reduce<(typeof judged)[number] | undefined>(
    (one, other) => (one && rank(one) > rank(other) ? one : other),
    undefined,
  );
  const lock = best?.record?.lock ?? { site, epoch: 0, claim: 'rebuilt', index: subjob.index };
  if (best && best.lacks === '') {
    const { execution, outputs, record } = best;
    return { name: 'completed', since: at, lock, execution, outputs, usage: record?.usage ?? {} };
  }
  if (known) return undefined;
  const reason = best?.lacks ?? 'no storage element has an output of this subjob';
  return { name: 'failed', since: at, lock, failure: { cause: 'rebuilt', reason, site: lock.site } };
}

/** The outputs of one execution as the catalogue has them, and what they lack. */
function outputsOf(job: JobDoc, files: readonly FoundOutput[], record: Recorded | undefined, experiment: string) {
  const outputs: Output[] = [];
  for (const [name, copies] of groupBy(files, (file) => file.name)) {
    const summed = copies.filter((one) => one.size !== undefined && one.adler32 !== undefined);
    const said = copies.map(({ path }) => record?.checksums.get(path)).find((sum) => sum?.startsWith('adler32:'));
    const truth = summed.find(({ adler32 }) => said === undefined || said === `adler32:${adler32}`);
    if (!truth) continue;
    const { suffix, run, module } = truth;
    const type = typeOf(job, suffix);
    const lfn = outputLfn(experiment, job.version, module, run, name);
    for (const { storage, path, size = 0, adler32 = '' } of summed) {
      const same = size === truth.size && adler32 === truth.adler32;
      const content = { size: truth.size ?? 0, adler32: truth.adler32 ?? '', guid: guidOf(experiment, lfn), lfn };
      const bad = same ? {} : { bad: `${size} bytes, adler32 ${adler32}, found when the store was rebuilt` };
      outputs.push({ type, name, storage, path, ...content, ...bad });
    }
  }
  const missing = Object.keys(job.outputs).filter((type) => outputs.every((output) => output.type !== type));
  const lacks = missing.length > 0 ? `no sound output ${missing.join(', ')} at a storage element` : '';
  return { outputs, lacks: lacks || (outputs.length === 0 ? 'no sound output at a storage element' : '') };
}

/** The declared type with this suffix; without one, a name made from the suffix. */
function typeOf({ outputs }: Pick<JobDoc, 'outputs'>, suffix: string): string {
  const known = Object.entries(outputs).find(([, one]) => one === suffix);
  return known?.[0] ?? typeName(suffix);
}

export function typeName(suffix: string): string {
  return suffix.replace(/^\d|\W/g, '_');
}

function evidenceOf(
  subjobs: readonly Subjob[],
  found: readonly FoundOutput[],
  records: ReadonlyMap<string, Recorded>,
): string {
  const places = [...new Set(found.flatMap(({ storage, size }) => (size === undefined ? [] : storage)))].sort();
  const recorded = new Set(found.map(({ execution }) => execution).filter((one) => records.has(one))).size;
  const done = subjobs.filter(({ state }) => state.name === 'completed').length;
  const files = places.length > 0 ? `outputs at ${places.join(', ')}` : 'no output is left';
  const said = recorded > 0 ? `, ${counted(recorded, 'result record')}` : '';
  return `${files}${said}; ${done} of ${counted(subjobs.length, 'subjob')} completed`;
}

export const nameOf = ({ run, module, pass }: PassName): string => refOf(run, module, pass);
