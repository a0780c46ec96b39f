import type { View } from './view.ts';

/**
 * Bytes of raw files. On the buffer: key `['on', level, state of the original, run]`. Registered by hour: key
 * `['in', level, '2026-07-14T06']`. Grouped, it is the fill and the inflow of every buffer.
 */
export const buffer: View<
  ['on', level: string, state: string, run: number] | ['in', level: string, hour: string],
  number
> = {
  name: 'buffer',
  reduce: '_sum',
  levels: 3,
  map: (doc, emit) => {
    if (doc.kind !== 'data') return;
    const on: Record<string, number> = {};
    const hours: Record<string, number> = {};
    for (const file of doc.files) {
      const state = file.original.state;
      if (state !== 'purged') on[state] = (on[state] || 0) + file.size;
      const hour = file.registered.slice(0, 13);
      hours[hour] = (hours[hour] || 0) + file.size;
    }
    for (const state in on) emit(['on', doc.level, state, doc.run], on[state] || 0);
    for (const hour in hours) emit(['in', doc.level, hour], hours[hour] || 0);
  },
};

/**
 * Copies of raw files that are held to be good, and outputs, by when they were last checked: key `[storage, 'raw' or 'output', time, run]`, where
 * the time is that of the oldest check within the document; value the number of files. Verify goes through it in order.
 */
export const checks: View<[storage: string, what: 'raw' | 'output', at: string, run: number], number> = {
  name: 'checks',
  reduce: '_sum',
  map: (doc, emit) => {
    const oldest: Record<string, string> = {};
    const counts: Record<string, number> = {};
    const note = (storage: string, at: string) => {
      counts[storage] = (counts[storage] || 0) + 1;
      const known = oldest[storage];
      if (known === undefined || at < known) oldest[storage] = at;
    };
    if (doc.kind === 'data') {
      for (const file of doc.files) {
        for (const storage in file.replicas) {
          const replica = file.replicas[storage];
          if (replica.state === 'verified') note(storage, replica.checkedAt);
        }
      }
    }
    if (doc.kind === 'job') {
      for (const subjob of doc.subjobs) {
        if (subjob.state.name !== 'completed') continue;
        for (const output of subjob.state.outputs) {
          note(output.storage, output.checkedAt || subjob.state.since);
        }
      }
    }
    const what = doc.kind === 'data' ? 'raw' : 'output';
    for (const storage in counts) emit([storage, what, oldest[storage] || '', doc.run], counts[storage] || 0);
  },
};
