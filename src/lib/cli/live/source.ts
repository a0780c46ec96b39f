// What the screen reads: a view with its filter, or what is behind a row, by the functions of the commands.
import { Parser } from '@oclif/core';
import { PASS_STATES } from '../../domain/jobs/states.ts';
import { parseRuns, type Selection } from '../../domain/selection.ts';
import type { ReadPorts } from '../../flow/ports.ts';
import type { FlowPicture } from '../../flow/reports/flow/picture.ts';
import { runFlow } from '../../flow/reports/flow/runflow.ts';
import type { Found } from '../../flow/reports/live/found.ts';
import { latestJobs, openRuns } from '../../flow/reports/live/rows.ts';
import { type Chosen, firstOf, type LiveView, lookAt } from '../../flow/reports/live/views.ts';
import { type JobLog, logsOf } from '../../flow/reports/logs.ts';
import { documentsOf } from '../../flow/reports/records.ts';
import { pagesOf } from '../../flow/reports/show.ts';
import { whyAll } from '../../flow/reports/why/all/whyall.ts';
import { UsageError } from '../../util/errors.ts';
import { selection, storage } from '../arguments/flags.ts';
import { readRefs, select } from '../arguments/selection.ts';
import { explained } from '../calls/explained.ts';
import { checkListing, chosenBy, type ListFlags, listing } from '../calls/listing.ts';
import { typedWords } from '../completion/words.ts';
import { isView, LISTED, type Page } from './model.ts';

/** Bytes that are shown from the end of each log. */
const LOG_BYTES = 100_000;

/** Reads what a page shows. @throws UsageError for a filter that cannot be read */
export async function lookAtPage(ports: ReadPorts, { name, words, most }: Page): Promise<Found> {
  if (isView(name)) return lookAt(ports, name, most, words === '' ? {} : await chosenRows(ports, name, words));
  if (name === 'reasons') return { view: 'reasons', some: await firstOf(whyAll(ports), most) };
  if (name === 'why') return { view: 'why', reports: await explained(ports, [words]) };
  if (name === 'log') return { view: 'log', logs: await logs(ports, words) };
  const [ref] = await readRefs([words]);
  return { view: 'show', pages: ref ? await pagesOf(ports, await documentsOf(ports, ref)) : [] };
}

async function logs(ports: ReadPorts, ref: string): Promise<JobLog[]> {
  const { jobs, subjobs } = await select(ports, { refs: [ref], flags: {}, states: PASS_STATES });
  const found: JobLog[] = [];
  for (const job of jobs)
    found.push(...(await logsOf(ports, job, { bytes: LOG_BYTES, subjobs: subjobs.get(job._id) })));
  return found;
}

/** Words and flags of a line, as the command line reads them. */
async function typed(
  line: readonly string[],
): Promise<{ readonly words: readonly string[]; readonly flags: ListFlags }> {
  const refused = line.find((word) => word === '-' || /^@/.test(word));
  if (refused !== undefined)
    throw new UsageError(`'${refused}' is read only on the command line`, { hint: 'name REFs, runs or flags' });
  const { argv, flags } = await Parser.parse([...line], {
    flags: { ...selection, ...storage },
    strict: false,
  });
  return { words: argv.map(String), flags };
}

/** What the filter of a view selects. */
async function chosenRows(ports: ReadPorts, view: LiveView, line: string): Promise<Chosen> {
  const { words, flags } = await typed(typedWords(`dflow ${line} `).words);
  if (view === 'status') return {};
  if (view === 'flow') return { picture: pictureOf(ports, words, flags) };
  const kind = LISTED[view];
  checkListing(kind, words, flags);
  if (view === 'runs') {
    const alone = Object.keys(flags).length === 1 && words.length === 0;
    const open = alone && flags.state?.length === 1 && flags.state[0] === 'open';
    return { runs: open ? openRuns(ports) : await listing(ports, 'runs', words, flags) };
  }
  if (view === 'jobs') {
    const { chosen } = await chosenBy(ports, kind, words, flags);
    const states = statesAlone(chosen);
    return { jobs: states ? latestJobs(ports, states) : await listing(ports, 'jobs', words, flags) };
  }
  if (view === 'copies') return { copies: await listing(ports, 'replicas', words, flags) };
  if (view === 'farms') return { farms: await listing(ports, 'farms', words, flags) };
  return { holds: await listing(ports, 'holds', words, flags) };
}

/** The states of a filter that selects by nothing else. Their passes are read by time of change. */
function statesAlone({ states, pass, ...others }: Selection): Selection['states'] {
  return pass === 'last' && Object.values(others).every((value) => value === undefined) ? states : undefined;
}

/** The chain of one run. */
async function pictureOf(ports: ReadPorts, words: readonly string[], flags: ListFlags): Promise<FlowPicture> {
  const text = words[0] ?? flags.run?.[0] ?? '';
  const [span, ...more] = parseRuns(text)?.ranges ?? [];
  if (!span || more.length > 0 || span[0] !== span[1])
    throw new UsageError(`'${text}' is not one run`, { hint: '--run 109134' });
  return runFlow(ports, span[0]);
}
