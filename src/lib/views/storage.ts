import type { View } from './view.ts';

/**
 * Bytes of raw files. On the buffer: key `['on', level, state of the original, run]`. Registered by hour: key
 * `['in', level, '2026-07-14T06']`. Grouped, it is the fill and the inflow of every buffer. What is present, by where it is
 * verified: key `['copied', level, "fnal sfu", run]`, `-` where it is sampled out: purge reads only what may have enough copies.
 */
export const buffer: View<
  | ['on', level: string, state: string, run: number]
  | ['in', level: string, hour: string]
  | ['copied', level: string, storages: string, run: number],
  number
> = {
  name: 'buffer',
  reduce: '_sum',
  levels: 3,
  map: (doc, emit) => {
    if (doc.kind !== 'data') return;
    const on: Record<string, number> = {};
    const hours: Record<string, number> = {};
    const copied: Record<string, number> = {};
    for (const file of doc.files) {
      const state = file.original.state;
      if (state !== 'purged') on[state] = (on[state] || 0) + file.size;
      if (state === 'present') {
        const good = [];
        for (const name in file.replicas) if (file.replicas[name].state === 'verified') good.push(name);
        const set = doc.keep.kept ? good.sort().join(' ') : '-';
        copied[set] = (copied[set] || 0) + file.size;
      }
      const hour = file.registered.slice(0, 13);
      hours[hour] = (hours[hour] || 0) + file.size;
    }
    for (const state in on) emit(['on', doc.level, state, doc.run], on[state] || 0);
    for (const hour in hours) emit(['in', doc.level, hour], hours[hour] || 0);
    for (const set in copied) emit(['copied', doc.level, set, doc.run], copied[set] || 0);
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

/**
 * What is still to be told to the catalogue of the collaboration: key `[storage, 'copy', run]` with the number of copies
 * that were not told as they are now, `[storage, 'pin', run]` with the number of closed datasets to be pinned there,
 * `['', 'open', run]` where every file was told and a dataset is open, `['', 'refused', run]` with files that it refused.
 * What was told emits nothing. `domain/catalogue/parts.ts` decides the same.
 */
export const catalogue: View<[storage: string, what: 'copy' | 'pin' | 'open' | 'refused', run: number], number> = {
  name: 'catalogue',
  reduce: '_sum',
  map: (doc, emit) => {
    if (doc.kind !== 'data' && doc.kind !== 'job') return;
    const said = doc.catalogue || {};
    const copies = said.copies || {};
    const closed = said.closed || {};
    const pinned = said.pinned || {};
    const due: Record<string, number> = {};
    const seen: Record<string, boolean> = {};
    // By part: names of the files that belong into its dataset.
    const members: Record<string, Record<string, boolean>> = {};
    const toldAt = (storage: string, part: string, name: string) => {
      const parts = copies[storage] || {};
      const paths = parts[part] || {};
      return paths[name];
    };
    const note = (storage: string, part: string, name: string, path: string, is: string) => {
      seen[`${storage} ${part} ${name}`] = true;
      const told = toldAt(storage, part, name);
      if (is === 'good' ? told !== path : is === 'bad' && told !== undefined) due[storage] = (due[storage] || 0) + 1;
    };
    const member = (part: string, name: string) => {
      const names = members[part] || {};
      names[name] = true;
      members[part] = names;
    };
    if (doc.kind === 'data') {
      for (const file of doc.files) {
        if (!file.late) member(doc.level, file.name);
        for (const storage in file.replicas) {
          const { state, path } = file.replicas[storage];
          note(
            storage,
            doc.level,
            file.name,
            path,
            state === 'verified' ? 'good' : state === 'copying' ? 'busy' : 'bad',
          );
        }
      }
    } else {
      for (const subjob of doc.subjobs) {
        if (subjob.state.name !== 'completed') continue;
        for (const output of subjob.state.outputs) {
          member(output.type, output.name);
          note(output.storage, output.type, output.name, output.path, output.bad === undefined ? 'good' : 'bad');
        }
      }
    }
    for (const storage in copies)
      for (const part in copies[storage])
        for (const name in copies[storage][part])
          if (!seen[`${storage} ${part} ${name}`]) due[storage] = (due[storage] || 0) + 1;
    for (const storage in due) emit([storage, 'copy', doc.run], due[storage] || 0);
    const whole = (part: string, at: (name: string) => boolean) => {
      let count = 0;
      for (const name in members[part] || {}) {
        if (!at(name)) return false;
        count++;
      }
      return count > 0;
    };
    let open = 0;
    const pins: Record<string, number> = {};
    for (const part in members) {
      if (!closed[part]) {
        const ends = doc.kind === 'data' || doc.state === 'completed';
        const anywhere = (name: string) => {
          for (const storage in copies) if (toldAt(storage, part, name) !== undefined) return true;
          return false;
        };
        if (ends && whole(part, anywhere)) open++;
        continue;
      }
      for (const storage in copies) {
        if ((pinned[part] || []).indexOf(storage) >= 0) continue;
        if (whole(part, (name) => toldAt(storage, part, name) !== undefined)) pins[storage] = (pins[storage] || 0) + 1;
      }
    }
    if (open > 0) emit(['', 'open', doc.run], open);
    for (const storage in pins) emit([storage, 'pin', doc.run], pins[storage] || 0);
    let refused = 0;
    for (const _name in said.refused || {}) refused++;
    if (refused > 0) emit(['', 'refused', doc.run], refused);
  },
};
