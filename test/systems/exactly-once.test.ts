// Two farms, real Slurm and real HTCondor, race for the jobs of one store, each with several submitters, while submit is
// killed and stopped at every one of its points on both, and so are the monitor and reset that mend what that leaves.
// Every job must have started once: by what the payloads wrote, and by the wrappers' own marks.
//   DFLOW_KILLS=300 DFLOW_KILLS_SEED=7 npx vitest run --config test/systems/vitest.config.ts test/systems/exactly-once.test.ts
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { random } from '../support/chaos.ts';
import { must } from '../support/cli.ts';
import { documents, filesBelow } from '../support/picture.ts';
import { type Blow, deal, ended, MENDING, plan, ROUND, SUBMIT } from './blows.ts';
import { use as useCondor } from './condor-world.ts';
import { use as useSlurm } from './slurm-world.ts';
import { counts, SITES, type Site, TwoFarms } from './two-farms.ts';

const seed = Number(process.env.DFLOW_KILLS_SEED ?? Math.floor(Date.now() / 1000));
const kills = Number(process.env.DFLOW_KILLS ?? ROUND);
const MODULES = ['First', 'Second', 'Third', 'Fourth'];
/** So that the blows never run out of jobs; the rest is finished after them. */
const JOBS_PER_BLOW = 4;
/** Stopped at once, at a site: each is a process that waits. */
const STOPPED = 3;

let experiment: TwoFarms;
afterEach(() => experiment?.remove());

/** What fell, by site, step, point and kind. */
class Tally {
  readonly #hits: string[] = [];
  misses = 0;
  readonly codes: string[] = [];

  add({ site, point, how }: Blow): void {
    this.#hits.push(this.#key(site, point, how));
  }

  #key(site: Site, point: Blow['point'], how: Blow['how']): string {
    return `${point.step} ${point.name} ${site} ${how}`;
  }

  count(fits: (blow: Blow) => boolean, points = SUBMIT): number {
    return this.table(points).reduce((sum, { blow, n }) => (fits(blow) ? sum + n : sum), 0);
  }

  table(points: Blow['point'][] | typeof SUBMIT): { blow: Blow; n: number }[] {
    const found = counts(this.#hits);
    return points.flatMap((point) =>
      SITES.flatMap((site) =>
        (['kill', 'stop'] as const).map((how) => ({
          blow: { site, point, how },
          n: found.get(this.#key(site, point, how)) ?? 0,
        })),
      ),
    );
  }

  print(points: typeof SUBMIT): string {
    const rows = points.map((point) => {
      const cells = this.table([point]).map(({ n }) => String(n).padStart(8));
      return `${`${point.step} ${point.name}`.padEnd(52)}${cells.join('')}`;
    });
    const heads = SITES.flatMap((site) => ['kill', 'stop'].map((how) => `${site[0]} ${how}`.padStart(8)));
    return [`${''.padEnd(52)}${heads.join('')}`, ...rows].join('\n');
  }
}

/** Deals a site's blows one after the other, each until it has hit; what is stopped goes on beside the next ones. */
async function storm(site: Site, blows: readonly Blow[], next: () => number, tally: Tally): Promise<void> {
  const stopped = new Set<Promise<void>>();
  for (const blow of blows) {
    for (let patience = 60; ; patience--) {
      if (patience === 0) throw new Error(`never came to it: ${site}, submit ${blow.point.name}`);
      const { hit, over, code } = await deal(experiment, blow, next);
      if (hit) {
        tally.add(blow);
        const gone = over.finally(() => stopped.delete(gone));
        stopped.add(gone);
        break;
      }
      tally.misses++;
      tally.codes.push(`submit ${code}`);
      await sleep(100 + next() * 300);
    }
    if (stopped.size >= STOPPED) await Promise.race(stopped);
  }
  await Promise.all(stopped);
}

/** monitor and reset of a site, as loops do; mostly with a blow in store for when there is something to mend. */
async function mend(site: Site, step: 'monitor' | 'reset', next: () => number, tally: Tally, on: () => boolean) {
  const all = MENDING.filter((point) => point.step === step);
  // Adoption and orphans are rarer than the writes: what strikes at their commands is made ready more often.
  const points = [...all, ...all.filter(({ at }) => at !== 'moment' && 'tool' in at)];
  const stopped: Promise<void>[] = [];
  for (let round = 0; on(); round++) {
    if (round % 4 === 0) {
      const child = experiment.launch({ step, site });
      await ended(child);
      tally.codes.push(`${step} ${child.exitCode}`);
    } else {
      const point = points[Math.floor(next() * points.length)]!;
      const blow: Blow = { site, point, how: next() < 0.5 ? 'kill' : 'stop' };
      const { hit, over } = await deal(experiment, blow, next);
      if (hit) tally.add(blow);
      stopped.push(over);
    }
    await sleep(200);
  }
  await Promise.all(stopped);
}

/** The site's ordinary submitter, with the lease: it meets those that are struck, and the other site's. */
async function submitter(site: Site, tally: Tally, on: () => boolean): Promise<void> {
  while (on()) {
    const child = experiment.launch({ step: 'submit', site, limit: 2 });
    await ended(child);
    tally.codes.push(`submit ${child.exitCode}`);
    await sleep(1_500);
  }
}

const kind = (name: string) => documents(experiment.folder).filter((doc) => doc.kind === name);

/** Only the loops of both sites, until nothing is left to do. */
function finish(total: number): void {
  const idle = () => {
    const open = experiment.count('completed') < total || experiment.leftovers().length > 0;
    return !open && kind('claim').length === 0;
  };
  for (let round = 0; round < 60; round++) {
    for (const site of SITES) {
      for (const step of ['monitor', 'reset', 'submit']) must(experiment.folder, [step, '--site', site], [0, 1, 75]);
    }
    if (idle()) return;
  }
}

/** Claims of all jobs. */
function attempts(): number {
  const jobs = kind('job') as unknown as { subjobs: { attempt: number }[] }[];
  return jobs.reduce((sum, job) => sum + job.subjobs[0]!.attempt, 0);
}

function report(tally: Tally): void {
  const of = (count: (site: Site) => number) => SITES.map((site) => `${site} ${count(site)}`).join(', ');
  const words = (map: Map<string, number>) => [...map].map(([word, n]) => `${word} ${n}`).join(', ');
  const total = tally.count(() => true);
  console.log(
    [
      `exactly-once: seed ${seed}; cedar is Slurm, birch HTCondor`,
      `${total} blows hit a living submit; ${tally.misses} tries ended before their point`,
      tally.print(SUBMIT),
      `beside them ${tally.count(() => true, MENDING)} that hit a living monitor or reset`,
      tally.print(MENDING),
      `jobs that a submitter lost to another at the claim: ${experiment.lines('races').length}`,
      ...(['submit', 'monitor', 'reset'] as const).map((step) => `${step} did: ${words(experiment.did(step))}`),
      `ended with: ${words(counts(tally.codes))}`,
      `attempts ${attempts()}; started ${of((site) => experiment.marksOf(site, 'started').size)}; fenced before they could start ${of((site) => experiment.marksOf(site, 'fenced').size)}; told to stop when they had started ${of((site) => experiment.stopped(site).length)}`,
      `errors: ${words(counts(experiment.lines('errors').map((line) => line.slice(0, 160).replaceAll(/\d+/g, '#'))))}`,
    ].join('\n'),
  );
}

function expectExactlyOnce(total: number): void {
  const states = experiment.states();
  const ends = counts([...states.values()].map(({ name }) => name));
  expect([...ends]).toEqual([['completed', total]]);
  // What the payloads wrote: each (run, module, pass, subrun) once, none missing, nothing else.
  const marks = experiment.marks().map((line) => line.split(' ') as [string, string]);
  const expected = Array.from({ length: experiment.runs }, (_, at) => MODULES.map((name) => `${at + 1}/${name}/1/0`));
  expect(marks.map(([what]) => what).sort()).toEqual(expected.flat().sort());
  // What the wrappers wrote: a start mark for the attempt that each job was completed with, and for no other; and it is
  // the execution whose payload left its line.
  const executions = new Map(marks.map(([what, execution]) => [execution, what]));
  for (const site of SITES) {
    const started = experiment.marksOf(site, 'started');
    const here = [...states].filter(([, { lock }]) => lock.site === site);
    expect(here.length).toBeGreaterThan(0);
    expect([...started.keys()].sort()).toEqual(here.map(([, { lock }]) => `${lock.claim}.${lock.index}`).sort());
    for (const [job, { lock }] of here) {
      expect(executions.get(started.get(`${lock.claim}.${lock.index}`)!)).toBe(`${job}/1/0`);
    }
  }
  expect(experiment.leftovers()).toEqual([]);
  expect(kind('claim')).toEqual([]);
  expect(kind('lease')).toEqual([]);
  for (const site of SITES) expect([site, experiment.jobFiles(site)]).toEqual([site, []]);
  // The raw files and one output of each job: no execution left anything unpublished.
  expect(filesBelow(experiment.path('store')).length).toBe(experiment.runs + total);
}

// A second try must not hide a job that was started twice.
test(`${kills} blows on submit at two farms, seed ${seed}`, { timeout: 3_600_000, retry: 0 }, async () => {
  useSlurm('test');
  useCondor();
  const runs = Math.ceil((kills * JOBS_PER_BLOW) / MODULES.length);
  experiment = new TwoFarms(runs, MODULES);
  await experiment.bundle();
  experiment.prepare();
  const total = experiment.states().size;
  expect(total).toBe(runs * MODULES.length);
  const tally = new Tally();
  let blowing = true;
  const on = () => blowing;
  const loops = SITES.flatMap((site, at) => [
    mend(site, 'monitor', random(seed + 10 + at), tally, on),
    mend(site, 'reset', random(seed + 20 + at), tally, on),
    submitter(site, tally, on),
  ]);
  try {
    await Promise.all(
      SITES.map((site, at) => {
        const next = random(seed + at);
        return storm(site, plan(at === 0 ? Math.ceil(kills / 2) : Math.floor(kills / 2), site, next), next, tally);
      }),
    );
  } finally {
    blowing = false;
    await Promise.all(loops);
    finish(total);
    report(tally);
  }
  expectExactlyOnce(total);
  // The blows did fall: as many as were asked for, of either kind at each site, and every point of submit in its turn.
  expect(tally.count(() => true)).toBe(kills);
  const rounds = Math.floor(kills / ROUND);
  for (const { n } of tally.table(SUBMIT)) expect(n).toBeGreaterThanOrEqual(rounds);
  for (const site of SITES)
    for (const how of ['kill', 'stop'] as const) {
      const n = tally.count((blow) => blow.site === site && blow.how === how);
      expect(n).toBeGreaterThanOrEqual(Math.floor(kills / 8));
    }
  expect(tally.count(() => true, MENDING)).toBeGreaterThanOrEqual(Math.floor(kills / 20));
  expect(experiment.lines('races').length).toBeGreaterThan(0);
});
