// The page of a run or a pass: its document, and what a person would look up beside it.
import type { DataDoc } from '../../domain/data/data.ts';
import { asA, type Doc, isA } from '../../domain/doc.ts';
import { dataId, refOf } from '../../domain/ids.ts';
import type { JobDoc } from '../../domain/jobs/job.ts';
import type { RequestDoc } from '../../domain/jobs/request.ts';
import type { PassState } from '../../domain/jobs/states.ts';
import type { RunDoc } from '../../domain/runs/run.ts';
import { typesOf } from '../../domain/runs/runtypes.ts';
import { shownState } from '../../domain/selection.ts';
import type { Iso } from '../../util/time.ts';
import { have } from '../../util/values/have.ts';
import { runFacts } from '../jobs/facts.ts';
import type { ReadPorts } from '../ports.ts';
import { type NoteDoc, notesSince } from '../switches/notes.ts';
import { type FirstPassRow, rowsOfRun } from './firstpass/firstpassrows.ts';
import { type JobRow, jobRow } from './look/jobrows.ts';
import { passesOf } from './records.ts';
import type { RequestPage } from './request/page.ts';
import { requestPage } from './request/request.ts';

/** A run with the files of its levels and its passes. */
export interface RunPage {
  readonly of: 'run';
  readonly run: RunDoc;
  readonly types: readonly string[];
  readonly data: readonly DataDoc[];
  readonly passes: readonly JobRow[];
  readonly firstPass: readonly FirstPassRow[];
  readonly notes: readonly NoteDoc[];
}

/** A pass with the raw files and the passes that it reads. */
export interface PassPage {
  readonly of: 'pass';
  readonly job: JobDoc;
  readonly state: PassState;
  readonly data: DataDoc | undefined;
  readonly needs: ReadonlyMap<string, JobDoc>;
  readonly notes: readonly NoteDoc[];
  readonly now: Iso;
}

/** Any other document. */
export interface DocumentPage {
  readonly of: 'document';
  readonly doc: Doc;
}

/** A request with how far it is, and what it has used. */
interface ShownRequest {
  readonly of: 'request';
  readonly request: RequestPage;
}

export type Page = RunPage | PassPage | ShownRequest | DocumentPage;

/** The pages of the documents that a REF names; the data documents of a run are part of its page. */
export async function pagesOf(ports: ReadPorts, docs: readonly Doc[]): Promise<Page[]> {
  const run = docs.find((doc) => isA<RunDoc>(doc, 'run'));
  if (run) return [await runPage(ports, run, docs)];
  return Promise.all(docs.map((doc) => pageOf(ports, doc)));
}

async function pageOf(ports: ReadPorts, doc: Doc): Promise<Page> {
  if (isA<JobDoc>(doc, 'job')) return passPage(ports, doc);
  if (isA<RequestDoc>(doc, 'request')) return { of: 'request', request: await requestPage(ports, doc) };
  return { of: 'document', doc };
}

async function runPage(ports: ReadPorts, run: RunDoc, docs: readonly Doc[]): Promise<RunPage> {
  const { level, version } = ports.settings.automatic;
  const [jobs, facts] = await Promise.all([passesOf(ports, run.run), runFacts(ports, [run.run], level, version)]);
  const states = new Map(jobs.map(({ _id, state }) => [_id, state]));
  return {
    of: 'run',
    run,
    types: run.mask === undefined ? [] : typesOf(run.mask, ports.settings.runs.types),
    data: docs.filter((doc): doc is DataDoc => isA<DataDoc>(doc, 'data')),
    passes: jobs.map((job) => jobRow(job, stateOf(job, states))),
    firstPass: rowsOfRun(have(facts, run.run)),
    notes: await notesOf(ports, refOf(run.run)),
  };
}

async function passPage(ports: ReadPorts, job: JobDoc): Promise<PassPage> {
  const { store } = ports;
  const id = dataId(job.level, job.run);
  const docs = await store.get<JobDoc | DataDoc>([id, ...job.needs.map((need) => need.job)]);
  const needs = [...docs.values()].filter((doc): doc is JobDoc => isA<JobDoc>(doc, 'job'));
  const states = new Map(needs.map(({ _id, state }) => [_id, state]));
  return {
    of: 'pass',
    job,
    state: stateOf(job, states),
    data: asA<DataDoc>(docs.get(id), 'data'),
    needs: new Map(needs.map((doc) => [doc._id, doc])),
    notes: await notesOf(ports, refOf(job.run, job.module, job.pass)),
    now: await store.now(),
  };
}

/** Notes about a run or a pass. */
async function notesOf({ store }: ReadPorts, ref: string): Promise<NoteDoc[]> {
  return (await notesSince(store)).filter(({ refs }) => refs.includes(ref));
}

function stateOf(job: JobDoc, states: ReadonlyMap<string, PassState>): PassState {
  return shownState(job, (id) => states.get(id));
}
