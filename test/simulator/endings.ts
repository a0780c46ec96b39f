// What must be true once faults have stopped and a few rounds have passed: everything that can complete has completed,
// everything else is stopped by a gate that is really closed, and nothing is left behind anywhere.
import type { DataDoc } from '../../src/lib/domain/data/data.ts';
import { covers, type HoldDoc } from '../../src/lib/domain/hold.ts';
import { jobId, refOf } from '../../src/lib/domain/ids.ts';
import type { JobDoc, Subjob } from '../../src/lib/domain/jobs/job.ts';
import { holdSubject } from '../../src/lib/domain/jobs/readiness.ts';
import type { RequestDoc } from '../../src/lib/domain/jobs/request.ts';
import { STORAGES, VERSION } from './scenery.ts';
import type { World } from './world.ts';

const MODULES = ['Processing', 'Analysis', 'Plot'];

/** Everything that peace must still bring to an end, in words; empty at the fixpoint. */
export function unfinished(world: World): string[] {
  const jobs = jobsOf(world);
  // One that ends by itself is no end of the matter.
  const holds = world.database
    .all()
    .filter((doc): doc is HoldDoc => doc.kind === 'hold' && !(doc as HoldDoc).ended && !(doc as HoldDoc).until);
  const open = [...jobs.values()].flatMap((job) =>
    job.subjobs.flatMap((subjob) =>
      isEnded(job, subjob, jobs, holds, world.scenery.sites) ? [] : [inWords(job, subjob)],
    ),
  );
  return [...open, ...leftovers(world, jobs)];
}

/** What is not completed, whatever the reason: for the time after every gate was opened. */
export function uncompleted(world: World): string[] {
  const jobs = jobsOf(world);
  const open = [...jobs.values()].flatMap((job) =>
    job.subjobs.flatMap((subjob) => (subjob.state.name === 'completed' ? [] : [inWords(job, subjob)])),
  );
  return [...open, ...leftovers(world, jobs)];
}

function leftovers(world: World, jobs: ReadonlyMap<string, JobDoc>): string[] {
  const data = world.database.all().filter((doc): doc is DataDoc => doc.kind === 'data');
  return [
    ...world.scenery.runs.flatMap((run) => missingPasses(run, jobs)),
    ...data.flatMap(missingReplicas),
    ...[...world.clusters.values()].flatMap((cluster) => [
      ...cluster.in('held', 'pending', 'running').map((task) => `${cluster.site}: ${task.key} is ${task.state}`),
      ...cluster.records(1).map((record) => `${cluster.site}: the record of ${record.execution} is still new`),
    ]),
  ];
}

function jobsOf(world: World): Map<string, JobDoc> {
  const jobs = world.database.all().filter((doc): doc is JobDoc => doc.kind === 'job');
  return new Map(jobs.map((job) => [job._id, job]));
}

/** Completed, failed for good, stopped by an operator, or behind a gate that is really closed. */
function isEnded(
  job: JobDoc,
  subjob: Subjob,
  jobs: ReadonlyMap<string, JobDoc>,
  holds: readonly HoldDoc[],
  sites: readonly string[],
): boolean {
  const { name } = subjob.state;
  if (name === 'completed' || name === 'canceled') return true;
  if (name === 'failed') return subjob.failures > 0;
  if (name !== 'waiting') return false;
  const shut = (site: string): boolean => holds.some((hold) => covers(hold.scope, holdSubject(job, false, site)));
  return sites.every(shut) || job.needs.some((need) => stopped(jobs.get(need.job), jobs, holds, sites));
}

/** True when a prerequisite has ended without completing, or waits for ever itself. */
function stopped(
  job: JobDoc | undefined,
  jobs: ReadonlyMap<string, JobDoc>,
  holds: readonly HoldDoc[],
  sites: readonly string[],
): boolean {
  if (!job || job.state === 'completed') return false;
  return job.subjobs.every((subjob) => isEnded(job, subjob, jobs, holds, sites));
}

function inWords(job: JobDoc, subjob: Subjob): string {
  const { state } = subjob;
  const wake = state.name === 'waiting' && state.wake.kind === 'on' ? ` on ${state.wake.id}` : '';
  return `${refOf(job.run, job.module, job.pass, subjob.index)} is ${state.name}${wake}`;
}

function missingPasses(run: number, jobs: ReadonlyMap<string, JobDoc>): string[] {
  const made = [...jobs.values()].filter((job) => job.run === run && job.request === undefined);
  return MODULES.filter((module) => !made.some((job) => job.module === module)).map(
    (module) => `${run}/${module} has no automatic pass`,
  );
}

/** Every pass that a request planned exists and is its own. */
function missingRequested(world: World): string[] {
  const requests = world.database.all().filter((doc): doc is RequestDoc => doc.kind === 'request');
  return requests.flatMap((request) =>
    request.plan.flatMap(({ run, module, pass }) => {
      const job = world.database.read(jobId(run, module, pass)) as JobDoc | undefined;
      if (job?.request === request.name) return [];
      return [
        `${request.name}: ${refOf(run, module, pass)} is ${job ? `of ${job.request ?? 'automatic'}` : 'missing'}`,
      ];
    }),
  );
}

function missingReplicas(doc: DataDoc): string[] {
  return doc.files.flatMap((file) =>
    STORAGES.filter((name) => file.replicas[name]?.state !== 'verified').map(
      (name) => `${file.name} at ${name} is ${file.replicas[name]?.state ?? 'absent'}`,
    ),
  );
}

/** The checks that make sense only at the end. */
export function finalChecks(world: World): void {
  const { invariants } = world;
  // After a violation the world was left in the middle.
  if (invariants.violations.length > 0) return;
  for (const text of uncompleted(world)) invariants.fail(`at the end ${text}`);
  for (const run of world.living) invariants.fail(`${run.process.name}@${run.process.host} still lives at the end`);
  for (const text of missingRequested(world)) invariants.fail(text);
  const automatic = new Map<string, number>();
  for (const doc of world.database.all()) {
    if (doc.kind === 'data') invariants.dataWritten(doc as DataDoc);
    if (doc.kind !== 'job') continue;
    const job = doc as JobDoc;
    if (job.request === undefined) bump(automatic, `${job.run}/${job.module}/${VERSION}`);
    for (const { state, index } of job.subjobs) {
      if (state.name === 'completed') invariants.outputsStored(refOf(job.run, job.module, job.pass, index), state);
    }
  }
  for (const [what, passes] of automatic) if (passes !== 1) invariants.fail(`${what} has ${passes} automatic passes`);
}

function bump(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
