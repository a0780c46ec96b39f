import type { View } from './view.ts';

/**
 * Raw data by where every file of the run is verified: key `[level, "fnal sfu", run]`, value the number of files.
 * A loop asks for the few distinct sets first and reads only those that lack a storage element.
 * Sampled-out data stand under `[level, "-", run]`.
 */
export const transfers: View<[level: string, storages: string, run: number], number> = {
  name: 'transfers',
  reduce: '_sum',
  map: (doc, emit) => {
    if (doc.kind !== 'data') return;
    // From the files, never from a list in the document: one that a hand has left wrong would hide the run from transfer.
    const good: Record<string, number> = {};
    for (const file of doc.files) {
      for (const name in file.replicas) {
        if (file.replicas[name].state === 'verified') good[name] = (good[name] || 0) + 1;
      }
    }
    const done = [];
    for (const name in good) if (good[name] === doc.files.length) done.push(name);
    emit([doc.level, doc.keep.kept ? done.sort().join(' ') : '-', doc.run], doc.files.length);
  },
};

/**
 * Outputs of completed passes by where they are: key `[module, type, "fnal sfu", run]` with the elements at which every
 * one of that type is good, value their number. The rules for outputs ask for the few distinct sets first.
 */
export const outputs: View<[module: string, type: string, storages: string, run: number], number> = {
  name: 'outputs',
  reduce: '_sum',
  levels: 3,
  map: (doc, emit) => {
    if (doc.kind !== 'job') return;
    const names: Record<string, string[]> = {};
    const good: Record<string, number> = {};
    for (const subjob of doc.subjobs) {
      if (subjob.state.name !== 'completed') continue;
      for (const output of subjob.state.outputs) {
        const known = names[output.type] || [];
        if (known.indexOf(output.name) < 0) known.push(output.name);
        names[output.type] = known;
        const key = `${output.type} ${output.storage}`;
        if (!output.bad) good[key] = (good[key] || 0) + 1;
      }
    }
    for (const type in names) {
      const all = (names[type] || []).length;
      const done = [];
      for (const key in good) {
        const cut = key.indexOf(' ');
        if (key.slice(0, cut) === type && good[key] === all) done.push(key.slice(cut + 1));
      }
      emit([doc.module, type, done.sort().join(' '), doc.run], all);
    }
  },
};

/**
 * Copies of outputs that need somebody: key `[storage, 'bad', run]`, value their number, and `[storage, 'copying', run]`
 * while somebody copies a pass's outputs there. Good ones emit nothing: `checks` has them.
 */
export const outputCopies: View<[storage: string, state: 'bad' | 'copying', run: number], number> = {
  name: 'output-copies',
  reduce: '_sum',
  map: (doc, emit) => {
    if (doc.kind !== 'job') return;
    const bad: Record<string, number> = {};
    for (const subjob of doc.subjobs) {
      if (subjob.state.name !== 'completed') continue;
      for (const output of subjob.state.outputs) {
        if (output.bad) bad[output.storage] = (bad[output.storage] || 0) + 1;
      }
    }
    for (const storage in bad) emit([storage, 'bad', doc.run], bad[storage] || 0);
    for (const storage in doc.copies || {}) if (doc.copies[storage].nonce) emit([storage, 'copying', doc.run], 1);
  },
};
