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
