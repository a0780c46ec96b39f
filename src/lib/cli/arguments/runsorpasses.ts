// Words of commands that take ranges of runs (`109100-109200/Analysis40`), and what a command names that takes whole runs and
// single passes: a run without a word about passes is the run itself.
import { Args } from '@oclif/core';
import type { JobDoc } from '../../domain/jobs/job.ts';
import { PASS_STATES } from '../../domain/jobs/states.ts';
import { isLabel } from '../../domain/runs/labels.ts';
import { hasRun, type JobRef, type RunSet } from '../../domain/selection.ts';
import { selectJobs, selectRuns } from '../../flow/jobs/select.ts';
import type { Item, Ports } from '../../flow/ports.ts';
import type { Labelled } from '../../flow/switches/labels.ts';
import { UsageError } from '../../util/errors.ts';
import { given } from '../../util/values/given.ts';
import { changing, selection, why } from './flags.ts';
import { readRefs, readRuns, type SelectionInput, select } from './selection.ts';

/** What the commands of labels take. */
export const labelArgs = {
  name: Args.string({ description: 'name of the label', required: true, ignoreStdin: true }),
  ref: Args.string({
    description: 'runs and passes: 109134, 109100-109200, 109134/Analysis40, an id, @FILE, or - for standard input',
    ignoreStdin: true,
  }),
};
export const labelFlags = { ...changing, ...selection, ...why };

/** @throws UsageError for a name that cannot be a label, too */
export function labelNamed(...[ports, name, words, flags]: [Ports, string, readonly string[], Flags]): Promise<Named> {
  if (isLabel(name)) return selectRunsOrPasses(ports, words, flags);
  const hint = 'letters, digits and . _ - : +, at most 64 characters: gold, gold-2026';
  throw new UsageError(`'${name}' is not a label`, { hint });
}

type Flags = SelectionInput['flags'];

interface Named extends Labelled {
  readonly problems: readonly Item[];
}

/** @throws UsageError when nothing is named, and for a subjob */
async function selectRunsOrPasses(ports: Ports, words: readonly string[], flags: Flags): Promise<Named> {
  const { run } = flags;
  const said: Readonly<Record<string, unknown>> = { ...flags };
  const asksPasses = OF_PASSES.some((name) => said[name] !== undefined);
  if (words.length === 0 && !run && !asksPasses)
    throw new UsageError('a REF or a selection is required', { hint: 'dflow list runs' });
  if (asksPasses) {
    const { jobs, problems } = await selectWithRanges(ports, { refs: words, flags, states: PASS_STATES });
    return { runs: [], jobs, problems };
  }
  const only = run && (await readRuns(run));
  return words.length === 0
    ? { ...(await selectRuns(ports.store, given({ runs: only }))), jobs: [] }
    : named(ports, words, only);
}

/** Flags that a run does not have an answer to. */
const OF_PASSES = Object.keys(selection).filter((name) => name !== 'run');

async function named(ports: Ports, words: readonly string[], only: RunSet | undefined): Promise<Named> {
  const spans = words.filter(isRunRange);
  const { ranges, refs: rest } = rangeSelections(words.filter((word) => !isRunRange(word)));
  const refs = rest.length > 0 ? await readRefs(rest) : [];
  const subjob = refs.find((ref) => ref.subjob !== undefined);
  if (subjob)
    throw new UsageError(`'${subjob.text}' is a subjob: runs and passes have labels`, { hint: passOf(subjob) });
  const ofRuns = refs.filter((ref) => ref.run !== undefined && ref.module === undefined);
  const ofPasses = refs.filter((ref) => !ofRuns.includes(ref));
  const runs = [
    ...(ofRuns.length > 0 ? [await selectRuns(ports.store, { refs: ofRuns })] : []),
    ...(spans.length > 0 ? [await selectRuns(ports.store, { runs: await readRuns(spans) })] : []),
  ];
  const passes = [
    ...(ofPasses.length > 0 ? [await selectJobs(ports, { pass: 'last', refs: ofPasses })] : []),
    ...(await Promise.all(ranges.map((flags) => selectWithRanges(ports, { refs: [], flags, states: PASS_STATES })))),
  ];
  return {
    runs: once(runs.flatMap((found) => found.runs)).filter((doc) => !only || hasRun(only, doc.run)),
    jobs: once(passes.flatMap((found) => found.jobs)).filter((job) => !only || hasRun(only, job.run)),
    problems: [...runs, ...passes].flatMap((found) => found.problems),
  };
}

const passOf = ({ run, module, pass }: JobRef): string => `name the pass: ${run}/${module}/${pass}`;

function once<D extends { readonly _id: string }>(docs: readonly D[]): D[] {
  return [...new Map(docs.map((doc) => [doc._id, doc])).values()];
}

/** Words that name passes of a range of runs as flags: `109100-109200/Analysis40`, `109100-/Analysis40/2`. */
interface RangeFlags {
  readonly run: readonly string[];
  readonly module: readonly string[];
  readonly pass?: string;
}

/** Such words as selection flags, and the other words as they are. */
export function rangeSelections(words: readonly string[]): { ranges: RangeFlags[]; refs: string[] } {
  const ranges: RangeFlags[] = [];
  const refs: string[] = [];
  for (const word of words) {
    const [, run, module, pass] = /^(\d+-\d*)(?:\/([^/]+)(?:\/(\d+|last|all))?)?$/.exec(word) ?? [];
    if (run === undefined) refs.push(word);
    else ranges.push({ run: [run], module: module === undefined ? ['*'] : [module], ...(pass && { pass }) });
  }
  return { ranges, refs };
}

/** `109100-109200`: runs, without a word about their passes. */
const isRunRange = (word: string): boolean => /^\d+-\d*$/.test(word);

/** The passes of a selection whose words may be ranges with a module: each of these is a selection of its own. */
export async function selectWithRanges(
  ports: Ports,
  input: SelectionInput,
): Promise<{ readonly jobs: readonly JobDoc[]; readonly problems: readonly Item[] }> {
  const { ranges, refs } = rangeSelections(input.refs);
  const asked = [
    ...(refs.length > 0 || ranges.length === 0 ? [{ ...input, refs }] : []),
    ...ranges.map((range) => ({ ...input, refs: [], flags: { ...input.flags, ...range } })),
  ];
  const found = await Promise.all(asked.map((one) => select(ports, one)));
  const jobs = new Map(found.flatMap((one) => one.jobs.map((job) => [job._id, job])));
  return { jobs: [...jobs.values()], problems: found.flatMap((one) => one.problems) };
}
