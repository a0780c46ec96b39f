// What needs a person, the most urgent first: every way in which something stands still, each with the command to begin
// with. Read from views and from the few documents of farms, loops, leases and holds.
import type { FarmDoc, LeaseDoc } from '../../../domain/farms/farm.ts';
import { coverText, endText, type HoldDoc, inForce, isFaultHold } from '../../../domain/hold.ts';
import { correction } from '../../../domain/modules/badmodules.ts';
import type { BreakerDoc } from '../../../domain/storage/breaker.ts';
import { daysText } from '../../../domain/storage/inflow.ts';
import type { GroupOf } from '../../../store.ts';
import { together } from '../../../util/concurrency.ts';
import { between, type Iso, MINUTE } from '../../../util/time.ts';
import { views } from '../../../views/index.ts';
import { SHARES } from '../../../views/jobs.ts';
import { unreadDocs, unreadNext } from '../../jobs/unread.ts';
import type { ReadPorts } from '../../ports.ts';
import { isShort } from '../buffer/buffer.ts';
import { catalogueAttention } from '../catalogue/behind.ts';
import { aheadAttention } from './ahead.ts';
import { many, sum } from './counts.ts';
import { jobAttention, routedSubjobs, type Unsatisfied } from './jobstatus.ts';
import { livingAttention } from './loopstatus.ts';
import type { Attention, StatusPage } from './page.ts';
import { runAttention } from './runstatus.ts';
import { storageAttention } from './storagestatus.ts';
import { versionAttention } from './versionstatus.ts';

type Page = Omit<StatusPage, 'needYou'>;

export interface AttentionFacts {
  readonly page: Page;
  /** Holds that were not ended, in force or expired. */
  readonly open: readonly HoldDoc[];
  readonly farms: readonly FarmDoc[];
  readonly leases: readonly LeaseDoc[];
  readonly causes: readonly GroupOf<typeof views.causes, 3>[];
  readonly active: readonly GroupOf<typeof views.active, 1>[];
  readonly replicas: readonly GroupOf<typeof views.replicas, 2>[];
  readonly troubles: ReadonlyMap<string, BreakerDoc>;
  readonly stuck: Unsatisfied;
}

/** Every part asks what it needs at once, and waits for the page's numbers only where it needs them. */
export async function attention(ports: ReadPorts, at: Iso, facts: Promise<AttentionFacts>): Promise<Attention[]> {
  const page = facts.then((all) => all.page);
  return together<Attention>(
    damageAttention(ports),
    lifeAttention(ports, facts),
    page.then((all) => [...bufferAttention(ports, all), ...credentialAttention(all)]),
    moduleAttention(ports),
    jobAttention(ports, at, facts),
    facts.then(({ open }) => holdAttention(open, at)),
    storageAttention(ports, at, facts),
    catalogueAttention(ports, at),
    versionAttention(ports, page),
    page.then(quarantineAttention),
    aheadAttention(ports, at),
    runAttention(ports, at),
    unreadAttention(ports),
  );
}

async function lifeAttention(ports: ReadPorts, facts: Promise<AttentionFacts>): Promise<Attention[]> {
  const { store } = ports;
  const [ready, routed, { page, leases, farms, active }] = await Promise.all([
    together(...SHARES.map((share) => store.count(views.ready, 2, { prefix: [share, 'run'] }))),
    routedSubjobs(store),
    facts,
  ]);
  const missing = page.storage.reduce((total, { missing }) => total + missing, 0);
  const work = { ready: sum(ready), routed, active: sum(active), missing, todo: page.runs.todo };
  const activeAt = (site: string): number => page.farms.find((farm) => farm.site === site)?.active ?? 0;
  return livingAttention(ports, { loops: page.loops, leases, farms, activeAt, work, at: page.at });
}

/** Damage that a command has met before: this page may have read sound parts alone. */
async function damageAttention({ store }: ReadPorts): Promise<Attention[]> {
  return ((await store.remembered?.()) ?? []).map(({ text, next }) => ({ way: 'damaged', text, next }));
}

/** Documents that every step passes over. */
async function unreadAttention({ store }: ReadPorts): Promise<Attention[]> {
  const [first, ...more] = await unreadDocs(store);
  if (!first) return [];
  const { document, wrong } = first;
  const what = `${many(1 + more.length, 'document', 'documents')} cannot be read, so nothing works on what they say`;
  return [{ way: 'unreadable', text: `${what}: ${document} (${wrong})`, next: unreadNext(document, wrong) }];
}

/** Module files with mistakes. */
function moduleAttention({ settings }: ReadPorts): Attention[] {
  return settings.badModules.map((file) => {
    const text = `nothing of version ${file.version} is made or submitted: ${file.text}`;
    return { way: 'module-file', text, next: correction(file) };
  });
}

/** Buffers that fill up, and how many files still lack a copy. */
function bufferAttention({ settings }: ReadPorts, page: Page): Attention[] {
  const lacking = page.storage
    .filter(({ missing }) => missing > 0)
    .map(({ name, missing }) => `${missing} lack ${name}`);
  const short = page.buffer.filter((row) => isShort(row, settings.purge.untilFree));
  return short.map(({ level, disk, daysLeft }) => {
    const full = disk ? `${Math.round(100 * (1 - disk.free / disk.total))} % full` : 'filling';
    const days = daysLeft === undefined ? '' : `, ${daysText(daysLeft)} left`;
    const files = lacking.length === 0 ? '' : `; files: ${lacking.join(', ')}`;
    return { way: 'buffer', text: `buffer ${level} ${full}${days}${files}`, next: 'dflow why buffer' };
  });
}

function credentialAttention(page: Page): Attention[] {
  const near = page.credentials.filter(({ state, expires }) => state !== 'ok' || (expires ?? page.at) < page.at);
  return near.map(({ host, text }) => ({
    way: 'credentials',
    text: `credentials on ${host}: ${text}`,
    next: `log in on ${host} and renew the credentials`,
  }));
}

/** What a hold has made of what it covers. */
const STATES: Readonly<Record<string, string>> = {
  pause: 'paused',
  storage: 'switched off',
  drain: 'drained',
  quarantine: 'in quarantine',
};

/** An expired hold is ended by the next reset: until then it may be waited for. */
const OVER = 10 * MINUTE;

function holdAttention(open: readonly HoldDoc[], at: Iso): Attention[] {
  return open.flatMap((hold): Attention[] => {
    const { _id, what, why, scope } = hold;
    if (inForce(hold, at)) {
      // Another primary keeps nothing from moving.
      if (what === 'primary') return [];
      const words = isFaultHold(_id)
        ? 'submission is held'
        : what === 'calibration'
          ? 'later runs are held'
          : `${coverText(scope)} ${STATES[what] ?? what}`;
      return [{ way: 'hold', text: `${words}: ${why}${endText(hold)}`, next: `dflow resume ${_id}` }];
    }
    if (hold.until === undefined || between(hold.until, at) < OVER) return [];
    return [
      { way: 'hold-over', text: `${_id} ended at ${hold.until}, but reset has not removed it`, next: 'dflow reset' },
    ];
  });
}

function quarantineAttention({ quarantined }: Page): Attention[] {
  const count = Object.values(quarantined).reduce((total, one) => total + one, 0);
  if (count === 0) return [];
  const text = `${many(count, 'file', 'files')} in quarantine: ${Object.keys(quarantined).join(', ')}`;
  return [{ way: 'quarantine', text, next: 'dflow list quarantine' }];
}
