import type { View } from './view.ts';

/** What is counted by the day. */
export type Daily = 'runs' | 'in' | 'copied' | 'jobs' | 'cpu' | 'wall' | 'memory';

/**
 * What happened on each day: key `[what, name, '2026-07-14']`, value the number. `runs`: seen for the first time. `in`:
 * bytes registered, by level. `copied`: bytes verified, by storage element. `jobs`, `cpu`, `wall` (seconds): completed
 * subjobs, by `module version`. `memory`: the same by steps of 256 MiB (`000004`: up to 1 GiB) instead of days.
 */
export const daily: View<[what: Daily, name: string, day: string], number> = {
  name: 'daily',
  reduce: '_sum',
  levels: 3,
  map: (doc, emit) => {
    if (doc.kind === 'run') emit(['runs', '', doc.firstSeen.slice(0, 10)], 1);
    if (doc.kind === 'data') {
      const sums: Record<string, number> = {};
      for (const file of doc.files) {
        const key = `${file.registered.slice(0, 10)} `;
        sums[key] = (sums[key] || 0) + file.size;
        for (const storage in file.replicas) {
          const replica = file.replicas[storage];
          if (replica.state !== 'verified') continue;
          const copied = `${replica.since.slice(0, 10)} ${storage}`;
          sums[copied] = (sums[copied] || 0) + file.size;
        }
      }
      for (const key in sums) {
        const storage = key.slice(11);
        if (storage === '') emit(['in', doc.level, key.slice(0, 10)], sums[key] || 0);
        else emit(['copied', storage, key.slice(0, 10)], sums[key] || 0);
      }
    }
    if (doc.kind === 'job') {
      const name = `${doc.module} ${doc.version}`;
      const days: Record<string, { jobs: number; cpu: number; wall: number }> = {};
      const steps: Record<string, number> = {};
      for (const subjob of doc.subjobs) {
        if (subjob.state.name !== 'completed') continue;
        const usage = subjob.state.usage;
        const day = subjob.state.since.slice(0, 10);
        const known = days[day] || { jobs: 0, cpu: 0, wall: 0 };
        days[day] = { jobs: known.jobs + 1, cpu: known.cpu + (usage.cpu || 0), wall: known.wall + (usage.wall || 0) };
        if (!usage.maxRss) continue;
        const step = `00000${Math.ceil(usage.maxRss / 262144)}`.slice(-6);
        steps[step] = (steps[step] || 0) + 1;
      }
      for (const day in days) {
        const one = days[day] || { jobs: 0, cpu: 0, wall: 0 };
        emit(['jobs', name, day], one.jobs);
        if (one.cpu) emit(['cpu', name, day], one.cpu);
        if (one.wall) emit(['wall', name, day], one.wall);
      }
      for (const step in steps) emit(['memory', name, step], steps[step] || 0);
    }
  },
};
