import type { View } from './view.ts';

/** Ways to stand: first those of runs. */
export type Way =
  | 'blocked'
  | 'first-pass'
  /** A job of the first pass that waits or runs. */
  | 'nearline'
  | 'changed'
  | 'purging'
  | 'lost'
  | 'copying'
  | 'conflict'
  | 'request'
  | 'output-copy'
  | 'undeleted'
  | 'archiving';

/**
 * What keeps something from moving, and no other view has: key `[way, time, what]`, the time that from which it can be
 * said, `''` where that is always. Healthy documents emit nothing.
 */
export const standing: View<[way: Way, since: string, what: number | string], null> = {
  name: 'standing',
  reduce: '_count',
  levels: 1,
  map: (doc, emit) => {
    if (doc._conflicts && doc._conflicts.length > 0) emit(['conflict', '', doc._id], null);
    if (doc.kind === 'run') {
      for (const level in doc.levels) {
        const state = doc.levels[level];
        if (!state.complete && state.blocked) emit(['blocked', state.lastFile, doc.run], null);
      }
    }
    if (doc.kind === 'firstpass' && doc.state === 'failed') emit(['first-pass', doc.until, doc.run], null);
    if (doc.kind === 'firstpass' && doc.state !== 'failed' && doc.state !== 'completed')
      emit(['nearline', doc.until, doc.run], null);
    if (doc.kind === 'archived' && doc.state !== 'archived') emit(['archiving', doc.at, doc.run], null);
    if (doc.kind === 'request' && !doc.made) emit(['request', doc.created, doc.name], null);
    if (doc.kind === 'data') {
      for (const file of doc.files) {
        const original = file.original;
        let good = original.state !== 'purged' && original.state !== 'changed';
        let expires = '';
        for (const storage in file.replicas) {
          const replica = file.replicas[storage];
          if (replica.state === 'verified') good = true;
          if (replica.state === 'copying' && (expires === '' || replica.expires < expires)) expires = replica.expires;
        }
        if (original.state === 'changed') emit(['changed', original.since, doc.run], null);
        if (original.state === 'purging') emit(['purging', original.since, doc.run], null);
        if (!good) emit(['lost', '', doc.run], null);
        if (expires !== '') emit(['copying', expires, doc.run], null);
      }
    }
    if (doc.kind === 'job') {
      for (const storage in doc.copies || {}) {
        if (doc.copies[storage].why) emit(['output-copy', storage, doc._id], null);
      }
      for (const storage in doc.undeleted || {}) emit(['undeleted', storage, doc._id], null);
    }
  },
};
