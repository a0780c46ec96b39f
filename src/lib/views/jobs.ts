import type { View } from './view.ts';

/** Passes by state, newest change last: key `[state, since]`. `list jobs -s failed --since 12h`. */
export const jobsByState: View = {
  name: 'jobs-by-state',
  reduce: '_count',
  levels: 1,
  map: (doc, emit) => {
    if (doc.kind === 'job') emit([doc.state, doc.since], null);
  },
};

/** Counts for the status page: key `[version, module, state]`. */
export const jobCounts: View = {
  name: 'job-counts',
  reduce: '_count',
  levels: 3,
  map: (doc, emit) => {
    if (doc.kind === 'job') emit([doc.version, doc.module, doc.state], null);
  },
};

/** Passes of a request by state: key `[request, state]`. */
export const jobsByRequest: View = {
  name: 'jobs-by-request',
  reduce: '_count',
  map: (doc, emit) => {
    if (doc.kind === 'job' && doc.request) emit([doc.request, doc.state], null);
  },
};

/** Active subjobs by site: key `[site, state]`, value their number in this job. What monitor polls. */
export const active: View = {
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
export const ready: View = {
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
export const wake: View = {
  name: 'wake',
  reduce: '_sum',
  map: (doc, emit) => {
    if (doc.kind !== 'job') return;
    const counts: Record<string, number> = {};
    for (const subjob of doc.subjobs) {
      const state = subjob.state;
      let key = '';
      if (state.name === 'waiting' && state.wake.kind === 'on') key = `on ${state.wake.id}`;
      if (state.name === 'held' && state.until) key = `at ${state.until}`;
      if (key) counts[key] = (counts[key] || 0) + 1;
    }
    for (const key in counts) emit([key.slice(0, 2), key.slice(3)], counts[key] || 0);
  },
};

/**
 * How attempts ended, by what and where: key `[site, module, version, when, cause]`, the cause empty for a completed
 * one. Of each subjob the last that is known: what most of a site's jobs fail with is told from it.
 */
export const outcomes: View = {
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
 * Failed subjobs by cause and site: key `[cause, site, how, since]`. `how`: `failed`, `held` until a person acts,
 * `cooling` until they are tried again.
 */
export const causes: View = {
  name: 'causes',
  reduce: '_count',
  levels: 3,
  map: (doc, emit) => {
    if (doc.kind !== 'job') return;
    for (const subjob of doc.subjobs) {
      const state = subjob.state;
      const how = state.name !== 'held' ? 'failed' : state.until ? 'cooling' : 'held';
      if (state.failure) emit([state.failure.cause, state.failure.site, how, state.since], null);
    }
  },
};
