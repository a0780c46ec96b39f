import type { View } from './view.ts';

/**
 * Runs by what is still to do: `open` (a level is not complete), `todo` (complete, automatic passes not yet made),
 * `done`. Key `[state, run]`.
 */
export const runs: View<[state: 'open' | 'todo' | 'done' | 'late', run: number], string | null> = {
  name: 'runs',
  reduce: '_count',
  levels: 1,
  map: (doc, emit) => {
    if (doc.kind !== 'run') return;
    let complete = 0;
    let open = 0;
    for (const level in doc.levels) {
      if (doc.levels[level].complete) complete++;
      else open++;
    }
    let made = 0;
    for (const version in doc.automatic || {}) if (version) made++;
    if (open > 0 || complete === 0) emit(['open', doc.run], null);
    if (complete > 0) emit([made > 0 ? 'done' : 'todo', doc.run], null);
    for (const level in doc.levels) if (doc.levels[level].late.length > 0) emit(['late', doc.run], level);
  },
};
