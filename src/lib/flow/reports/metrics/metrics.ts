// metrics: the experiment in numbers for Prometheus. All of them are counts of views and what hosts last said; no
// document of a run or a pass is read, so they cost the same for a thousand runs and for a million.
import { PASS_STATES } from '../../../domain/jobs/states.ts';
import { DAY, ms, SECOND } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import { SHARES } from '../../../views/jobs.ts';
import type { ReadPorts } from '../../ports.ts';
import { sum } from '../status/counts.ts';
import type { StatusPage } from '../status/page.ts';
import { status } from '../status/status.ts';
import { byLabel, type Family, family, single } from './family.ts';
import { storageFamilies } from './storagemetrics.ts';

/** Every family; some may have no sample. */
export async function metrics(ports: ReadPorts, version: string): Promise<Family[]> {
  const page = await status(ports);
  const { engine, documents, bytes } = await ports.store.info();
  return [
    single('dflow_up', 'Whether the store could be read (0: nothing else is known).', 1),
    family('dflow_build_info', 'Version of dflow, experiment and engine of the store.', [page], ({ experiment }) => [
      { version, experiment, engine },
      1,
    ]),
    single('dflow_store_documents', 'Documents of the store.', documents),
    ...(bytes === undefined ? [] : [single('dflow_store_size_bytes', 'Size of the store.', bytes)]),
    ...runFamilies(page),
    ...(await jobFamilies(ports, page)),
    ...(await storageFamilies(ports, page)),
    ...livingFamilies(page),
    ...requestFamilies(page),
    byLabel(
      'dflow_attention',
      'What needs a person, by kind (docs/standing-still.md).',
      'way',
      tally(page.needYou.map(({ way }) => way)),
    ),
  ];
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

function runFamilies({ runs, quarantined, holds }: StatusPage): Family[] {
  return [
    byLabel('dflow_runs', 'Runs by state; late ones are counted twice.', 'state', runs),
    byLabel('dflow_quarantined_files', 'Files in quarantine by reason.', 'reason', quarantined),
    byLabel('dflow_holds', 'Holds in force by kind.', 'what', tally(holds.map(({ what }) => what))),
  ];
}

/** Causes shown; what a module calls its own ends may be many. */
const CAUSES = 50;

async function jobFamilies({ store }: ReadPorts, { jobs, farms }: StatusPage): Promise<Family[]> {
  const passes = jobs.flatMap(({ version, module, states }) =>
    PASS_STATES.map((state) => ({ labels: { version, module, state }, value: states[state] ?? 0 })),
  );
  const active = await store.count(views.active, 2);
  const ready = await Promise.all(
    SHARES.map(async (share) => [share, sum(await store.count(views.ready, 2, { prefix: [share, 'run'] }))] as const),
  );
  const waiting = [
    ['document', sum(await store.count(views.wake, 1, { prefix: ['on'] }))],
    ['time', sum(await store.count(views.wake, 1, { prefix: ['at'] }))],
  ] as const;
  const causes = (await store.count(views.causes, 3)).sort((a, b) => b.value - a.value).slice(0, CAUSES);
  return [
    { name: 'dflow_passes', help: 'Passes by version, module and state.', samples: passes },
    family('dflow_active_subjobs', 'Subjobs at a farm by state.', active, ({ key: [farm, state], value }) => [
      { farm, state },
      value,
    ]),
    family('dflow_ready_subjobs', 'Subjobs that can be submitted now.', ready, ([share, value]) => [{ share }, value]),
    family(
      'dflow_waiting_subjobs',
      'Subjobs that wait for a document, or for the time of another try.',
      waiting,
      ([on, value]) => [{ on }, value],
    ),
    family(
      'dflow_failed_subjobs',
      'Subjobs whose last attempt failed, by cause; the 50 most frequent.',
      causes,
      ({ key: [cause, farm, how], value }) => [{ cause, farm, how }, value],
    ),
    family('dflow_farm_slots', 'Jobs that may be at a farm at once.', farms, ({ site, slots }) => [
      { farm: site },
      slots,
    ]),
    family('dflow_farm_heartbeat_timestamp_seconds', 'When a farm was last heard of.', farms, ({ site, heartbeat }) => [
      { farm: site },
      ms(heartbeat) / SECOND,
    ]),
    family('dflow_farm_drained', 'Whether a farm takes no jobs.', farms, ({ site, drained }) => [
      { farm: site },
      drained ? 1 : 0,
    ]),
  ];
}

/** A host of which nothing was heard for so long has left. */
const RETIRED = 30 * DAY;

function livingFamilies({ loops, credentials, at }: StatusPage): Family[] {
  const living = loops.filter((loop) => ms(at) - ms(loop.at) < RETIRED);
  const hosts = credentials.filter((one) => ms(at) - ms(one.at) < RETIRED);
  return [
    family(
      'dflow_loop_last_run_timestamp_seconds',
      'When a step last ended on a host.',
      living,
      ({ host, loop, at: last }) => [{ host, loop }, ms(last) / SECOND],
    ),
    family('dflow_loop_success', 'Whether the last round of a step was well.', living, ({ host, loop, outcome }) => [
      { host, loop },
      outcome === 'ok' ? 1 : 0,
    ]),
    family(
      'dflow_credentials_expiry_timestamp_seconds',
      'When the credentials of a host expire.',
      hosts,
      ({ host, expires }) => [{ host }, expires === undefined ? undefined : ms(expires) / SECOND],
    ),
    family(
      'dflow_credentials_valid',
      'Whether the credentials of a host are good (low ones are).',
      hosts,
      ({ host, state }) => [{ host }, state === 'expired' ? 0 : 1],
    ),
  ];
}

/** Requests shown one by one: the last ones that are not done. */
const REQUESTS = 50;

function requestFamilies({ requests }: StatusPage): Family[] {
  const done = requests.filter(({ states, passes }) => (states.completed ?? 0) >= passes);
  const open = requests.filter((request) => !done.includes(request));
  const passes = open
    .slice(-REQUESTS)
    .flatMap(({ name, states }) =>
      Object.entries(states).map(([state, value]) => ({ labels: { request: name, state }, value })),
    );
  return [
    byLabel('dflow_requests', 'Requests; done: every pass is completed.', 'state', {
      done: done.length,
      open: open.length,
    }),
    { name: 'dflow_request_passes', help: 'Passes of the last 50 requests that are not done.', samples: passes },
  ];
}
