// Runs that do not go on: complete ones without passes, open ones that something blocks, first passes that failed,
// requests that were not made to their end, documents in conflict.

import { type FirstPassDoc, firstPassJobs, isGivenUp, jobOf } from '../../../domain/firstpass/firstpass.ts';
import { MAX_RUN, refOf, requestId } from '../../../domain/ids.ts';
import { firstUnmet, runGates } from '../../../domain/jobs/readiness.ts';
import { continued, type RequestDoc } from '../../../domain/jobs/request.ts';
import { archivedNext, archivedText } from '../../../domain/runs/archived.ts';
import type { RunDoc } from '../../../domain/runs/run.ts';
import type { QueryOf } from '../../../store.ts';
import { together } from '../../../util/concurrency.ts';
import { type Iso, MINUTE, plus } from '../../../util/time.ts';
import { have } from '../../../util/values/have.ts';
import { views } from '../../../views/index.ts';
import { archivedOf } from '../../jobs/archived/archived.ts';
import { runFacts } from '../../jobs/facts.ts';
import type { ReadPorts } from '../../ports.ts';
import { many, standingOf, sum } from './counts.ts';
import type { Attention } from './page.ts';

/** A run that something has blocked for so many times `runs.quiet` needs a person. */
const PATIENCE = 6;
/** A request may be made for so long. */
const MAKING = 10 * MINUTE;

export function runAttention(ports: ReadPorts, at: Iso): Promise<Attention[]> {
  return together(
    waitingRuns(ports),
    blockedRuns(ports, at),
    firstPasses(ports, at),
    requests(ports, at),
    archives(ports, at),
    conflicts(ports),
  );
}

const runsHave = (count: number): string => many(count, 'complete run has', 'complete runs have');

/** Complete runs for which nothing is decided yet, and what the first of them waits for. */
async function waitingRuns(ports: ReadPorts): Promise<Attention[]> {
  const { automatic, modules, badModules, file } = ports.settings;
  const range: QueryOf<typeof views.runs> = {
    start: ['todo', automatic.from],
    end: ['todo', automatic.until ?? MAX_RUN],
  };
  const [groups, [first]] = await Promise.all([
    ports.store.count(views.runs, 1, range),
    ports.store.view(views.runs, { ...range, limit: 1 }),
  ]);
  const all = sum(groups);
  const versions = [...Object.keys(modules), ...badModules.map(({ version }) => version)].sort();
  if (automatic.version === undefined && versions.length > 1) {
    const waiting = all === 0 ? '' : `; ${runsHave(all)} no passes`;
    const text = `no automatic.version among ${versions.join(', ')}: no run is processed${waiting}`;
    return [{ way: 'no-version', text, next: `set automatic.version in ${file}` }];
  }
  if (!first) return [];
  const run = first.key[1];
  const facts = await runFacts(ports, [run], automatic.level, automatic.version);
  const unmet = firstUnmet(runGates(have(facts, run)));
  const text = `${runsHave(all)} no passes yet: ${refOf(run)}${unmet ? ` (${unmet.gate}: ${unmet.text})` : ''}`;
  return [{ way: 'todo', text, next: `dflow why ${refOf(run)}` }];
}

async function blockedRuns({ store, settings }: ReadPorts, at: Iso): Promise<Attention[]> {
  const { count, first } = await standingOf(store, 'blocked', plus(at, -PATIENCE * settings.runs.quiet));
  if (!first) return [];
  const doc = (await store.get<RunDoc>([first.id])).get(first.id);
  const [level, state] = Object.entries(doc?.levels ?? {}).find(([, one]) => !one.complete && one.blocked) ?? [];
  const run = refOf(Number(first.what));
  const text = `${many(count, 'run stays', 'runs stay')} open: ${run} (${level}: ${state?.blocked})`;
  return [{ way: 'blocked', text, next: `dflow why ${run}` }];
}

async function firstPasses({ store, settings }: ReadPorts, at: Iso): Promise<Attention[]> {
  const { count, first } = await standingOf(store, 'first-pass');
  if (!first) return [];
  const run = Number(first.what);
  const doc = (await store.get<FirstPassDoc>([first.id])).get(first.id);
  const job = firstPassJobs(settings.tables).find(({ name }) => doc && name === jobOf(doc));
  const given = job && doc && isGivenUp(job, doc) ? ', given up' : '';
  const when = !given && doc && doc.until > at ? `, next try ${doc.until}` : given;
  const ref = refOf(run, doc?.job);
  const noun = doc?.job === undefined ? '' : 'job of the ';
  const nouns = doc?.job === undefined ? 'first passes' : 'jobs of the first pass';
  const text = `${many(count, `${noun}first pass`, nouns)} failed: ${ref} (${doc?.why}${when})`;
  return [{ way: 'first-pass', text, next: `dflow why ${ref}` }];
}

async function requests({ store }: ReadPorts, at: Iso): Promise<Attention[]> {
  const { count, first } = await standingOf(store, 'request', plus(at, -MAKING));
  if (!first) return [];
  const id = requestId(String(first.what));
  const doc = (await store.get<RequestDoc>([id])).get(id);
  if (!doc) return [];
  const more = count > 1 ? ` (and ${count - 1} more)` : '';
  const text = `request ${doc.name} is incomplete, begun ${doc.created}${more}`;
  return [{ way: 'request', text, next: continued(doc) }];
}

async function archives({ store }: ReadPorts, at: Iso): Promise<Attention[]> {
  const { count, first } = await standingOf(store, 'archiving', plus(at, -MAKING));
  if (!first) return [];
  const run = Number(first.what);
  const doc = (await archivedOf(store, [run])).get(run);
  if (!doc) return [];
  const text = `${many(count, 'run is', 'runs are')} half in an archive: ${refOf(run)}, ${archivedText(doc)}`;
  return [{ way: 'archiving', text, next: archivedNext(doc) }];
}

async function conflicts({ store }: ReadPorts): Promise<Attention[]> {
  const { count, first } = await standingOf(store, 'conflict');
  if (!first) return [];
  const text = `${many(count, 'document is', 'documents are')} in conflict and cannot be changed: ${first.id}`;
  return [
    {
      way: 'conflict',
      text,
      next: count > 1 ? 'dflow store conflicts list' : `dflow store conflicts show ${first.id}`,
    },
  ];
}
