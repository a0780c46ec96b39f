import type { PassState } from '../domain/jobs/states.ts';
import type { Iso } from '../util/time.ts';
import type { View } from './view.ts';

/** Whose a pass is: the automatic ones and those of requests share a farm. */
export const SHARES = ['automatic', 'requested'] as const;
export type Share = (typeof SHARES)[number];

/** Passes by state, newest change last: key `[state, since]`. `list jobs -s failed --since 12h`. */
export const jobsByState: View<[PassState, Iso], null> = {
  name: 'jobs-by-state',
  reduce: '_count',
  levels: 1,
  map: (doc, emit) => {
    if (doc.kind === 'job') emit([doc.state, doc.since], null);
  },
};

/** Counts for the status page: key `[version, module, state]`. */
export const jobCounts: View<[version: string, module: string, state: PassState], null> = {
  name: 'job-counts',
  reduce: '_count',
  levels: 3,
  map: (doc, emit) => {
    if (doc.kind === 'job') emit([doc.version, doc.module, doc.state], null);
  },
};

/** Passes of a request by state: key `[request, state]`. */
export const jobsByRequest: View<[request: string, state: PassState], null> = {
  name: 'jobs-by-request',
  reduce: '_count',
  map: (doc, emit) => {
    if (doc.kind === 'job' && doc.request) emit([doc.request, doc.state], null);
    // What is archived counts on; whoever reads the rows looks at the ids of jobs.
    if (doc.kind !== 'archived' || doc.state !== 'archived') return;
    for (const pass of doc.passes) if (pass.request) emit([pass.request, pass.state], null);
  },
};

/** Active subjobs by site: key `[site, state]`, value their number in this job. What monitor polls. */
export const active: View<[site: string, state: string], number> = {
  name: 'active',
  reduce: '_sum',
  map: (doc, emit) => {
    if (doc.kind !== 'job') return;
    const counts: Record<string, number> = {};
    for (const subjob of doc.subjobs) {
      const name = subjob.state.name;
      if (name !== 'submitting' && name !== 'submitted' && name !== 'running') continue;
      const key = `${name} ${subjob.state.lock.site}`;
      counts[key] = (counts[key] || 0) + 1;
    }
    for (const key in counts) {
      const cut = key.indexOf(' ');
      emit([key.slice(cut + 1), key.slice(0, cut)], counts[key] || 0);
    }
  },
};

/**
 * Passes with subjobs that are ready to be submitted: key `[share, 'priority', -priority, created, run]` and
 * `[share, 'run', run]`, value the number of ready subjobs. `share` is `automatic` or `requested`. Gated passes emit
 * nothing and cost nothing. Two rows serve four orders: every claim takes them out again, and rows are what it costs.
 */
export const ready: View<
  [share: Share, 'priority', number, created: Iso, run: number] | [share: Share, 'run', run: number],
  number
> = {
  name: 'ready',
  reduce: '_sum',
  levels: 3,
  map: (doc, emit) => {
    if (doc.kind !== 'job') return;
    let count = 0;
    for (const subjob of doc.subjobs) {
      if (subjob.state.name === 'waiting' && subjob.state.wake.kind === 'ready') count++;
    }
    if (count === 0) return;
    const share = doc.request ? 'requested' : 'automatic';
    emit([share, 'priority', -doc.priority, doc.created, doc.run], count);
    emit([share, 'run', doc.run], count);
  },
};

/**
 * What sleeping passes wait for: key `['on', document id]` or `['at', time]`, value the number of subjobs.
 * Grouped, it says in a few rows what 100,000 gated jobs wait for.
 */
export const wake: View<['on', id: string] | ['at', time: Iso], number> = {
  name: 'wake',
  reduce: '_sum',
  map: (doc, emit) => {
    if (doc.kind !== 'job') return;
    const on: Record<string, number> = {};
    const at: Record<string, number> = {};
    for (const subjob of doc.subjobs) {
      const state = subjob.state;
      if (state.name === 'waiting' && state.wake.kind === 'on') on[state.wake.id] = (on[state.wake.id] || 0) + 1;
      if (state.name === 'held' && state.until) at[state.until] = (at[state.until] || 0) + 1;
    }
    for (const id in on) emit(['on', id], on[id] || 0);
    for (const time in at) emit(['at', time], at[time] || 0);
  },
};

/**
 * How attempts ended, by what and where: key `[site, module, version, when, cause]`, the cause empty for a completed
 * one. Of each subjob the last that is known: what most of a site's jobs fail with is told from it.
 */
export const outcomes: View<[site: string, module: string, version: string, at: Iso, cause: string], null> = {
  name: 'outcomes',
  reduce: '_count',
  map: (doc, emit) => {
    if (doc.kind !== 'job') return;
    for (const subjob of doc.subjobs) {
      const state = subjob.state;
      const last = subjob.lastFailure;
      if (state.name === 'completed') emit([state.lock.site, doc.module, doc.version, state.since, ''], null);
      else if (last) emit([last.site, doc.module, doc.version, last.at, last.cause], null);
    }
  },
};

/**
 * Failed subjobs by what is one cause for a person: key `[cause, site, how, module, reason, since]`. `how`: `failed`,
 * `held` until a person acts, `cooling` until they are tried again. `reason`: its beginning, each number as `N`.
 */
export const causes: View<
  [cause: string, site: string, how: 'failed' | 'held' | 'cooling', module: string, reason: string, since: Iso],
  null
> = {
  name: 'causes',
  reduce: '_count',
  levels: 5,
  map: (doc, emit) => {
    if (doc.kind !== 'job') return;
    for (const subjob of doc.subjobs) {
      const state = subjob.state;
      const failure = state.failure;
      if (!failure) continue;
      const how = state.name !== 'held' ? 'failed' : state.until ? 'cooling' : 'held';
      const words = String(failure.reason || '').slice(0, 400);
      const reason = words
        .replace(/\b(?:0x[0-9a-f]+|(?=[a-f]*\d)[0-9a-f-]{8,})\b/gi, 'N')
        .replace(/\d+/g, 'N')
        .slice(0, 120);
      emit([failure.cause, failure.site, how, doc.module, reason, state.since], null);
    }
  },
};

/** What is measured of passes: seconds of CPU and wall clock, bytes of outputs. Each is the mean of a subjob. */
export type Measure = 'cpu' | 'wall' | 'bytes';

/**
 * What completed passes took: key `[module, version, measure, step]`, one row for each pass. `step`: 64 steps to a
 * doubling, so that a few rows have the whole spread; -9999: nothing.
 */
export const measured: View<[module: string, version: string, measure: Measure, step: number], null> = {
  name: 'measured',
  reduce: '_count',
  levels: 4,
  map: (doc, emit) => {
    const passes = doc.kind === 'archived' && doc.state === 'archived' ? doc.passes : doc.kind === 'job' ? [doc] : [];
    for (const pass of passes) {
      if (pass.state !== 'completed') continue;
      const sums: { [name: string]: number } = { cpu: 0, wall: 0, bytes: 0 };
      let jobs = 0;
      if (pass.used) {
        jobs = pass.used.jobs;
        for (const name in sums) sums[name] = pass.used[name] || 0;
      }
      for (const subjob of pass.subjobs || []) {
        jobs++;
        const usage = subjob.state.usage || {};
        sums.cpu = (sums.cpu || 0) + (usage.cpu || 0);
        sums.wall = (sums.wall || 0) + (usage.wall || 0);
        for (const output of subjob.state.outputs) sums.bytes += output.size;
      }
      if (jobs === 0) continue;
      const step = (value: number): number =>
        value > 0 ? Math.round((64 * Math.log(value / jobs)) / Math.LN2) : -9999;
      if (sums.wall || sums.cpu) emit([pass.module, pass.version, 'cpu', step(sums.cpu || 0)], null);
      if (sums.wall) emit([pass.module, pass.version, 'wall', step(sums.wall)], null);
      emit([pass.module, pass.version, 'bytes', step(sums.bytes || 0)], null);
    }
  },
};

/** What is summed of a request. */
export type Used = 'cpu' | 'wall' | 'bytes' | 'outputs' | 'jobs' | 'lost' | 'cause' | 'hour';

/**
 * What a request has used and made: key `[request, what, name]`, value a number. By module `cpu` and `wall` (seconds),
 * `bytes`, `outputs` and `jobs` of completed passes, and `lost` (seconds) of tries that did not complete; by cause the
 * subjobs that failed; by `hour` (`2026-07-14T09`) the passes that completed.
 */
export const requestSums: View<[request: string, what: Used, name: string], number> = {
  name: 'request-sums',
  reduce: '_sum',
  levels: 3,
  map: (doc, emit) => {
    const passes = doc.kind === 'archived' && doc.state === 'archived' ? doc.passes : doc.kind === 'job' ? [doc] : [];
    for (const pass of passes) {
      if (!pass.request) continue;
      const sums: { [name: string]: number } = { cpu: 0, wall: 0, bytes: 0, outputs: 0, jobs: 0, lost: 0 };
      const causes: { [cause: string]: number } = {};
      if (pass.used) for (const name in sums) sums[name] = pass.used[name] || 0;
      for (const subjob of pass.subjobs || []) {
        const state = subjob.state;
        for (const one of subjob.tries || []) sums.lost += one.wall || 0;
        if (state.failure) causes[state.failure.cause] = (causes[state.failure.cause] || 0) + 1;
        if (state.name !== 'completed') continue;
        sums.jobs = (sums.jobs || 0) + 1;
        sums.cpu += state.usage.cpu || 0;
        sums.wall += state.usage.wall || 0;
        for (const output of state.outputs) {
          sums.outputs = (sums.outputs || 0) + 1;
          sums.bytes += output.size;
        }
      }
      for (const name in sums) if (sums[name]) emit([pass.request, name as Used, pass.module], sums[name] || 0);
      for (const cause in causes) emit([pass.request, 'cause', cause], causes[cause] || 0);
      if (pass.state === 'completed' && pass.since) emit([pass.request, 'hour', pass.since.slice(0, 13)], 1);
    }
  },
};
