// Several farms on one store: routing, installed versions, one submitter per site, and what was given up at a site that
// comes back.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { presenceIn } from '../../../src/lib/cli/presence.ts';
import type { ClaimDoc, LoopDoc } from '../../../src/lib/domain/farms/farm.ts';
import { routeOf } from '../../../src/lib/domain/farms/routing.ts';
import type { JobDoc } from '../../../src/lib/domain/jobs/job.ts';
import { jobGates } from '../../../src/lib/domain/jobs/readiness.ts';
import { passState, type SubjobState } from '../../../src/lib/domain/jobs/states.ts';
import type { Settings } from '../../../src/lib/domain/settings.ts';
import { beat, beating } from '../../../src/lib/flow/farms/beat.ts';
import { takeLease } from '../../../src/lib/flow/farms/lease.ts';
import { jobFacts } from '../../../src/lib/flow/jobs/facts.ts';
import type { Claimed, Ports, Round } from '../../../src/lib/flow/ports.ts';
import { status } from '../../../src/lib/flow/reports/status/status.ts';
import { why } from '../../../src/lib/flow/reports/why/why.ts';
import { chain } from '../../../src/lib/flow/steps/chain/chain.ts';
import { unlock } from '../../../src/lib/flow/steps/drain/drain.ts';
import { applyObservations, monitor, poll } from '../../../src/lib/flow/steps/monitor/monitor.ts';
import { reset } from '../../../src/lib/flow/steps/reset/reset.ts';
import { submit } from '../../../src/lib/flow/steps/submit/submit.ts';
import { pause } from '../../../src/lib/flow/switches/holds.ts';
import { idsWith } from '../../../src/lib/store.ts';
import { BusyError, UnreachableError, UsageError } from '../../../src/lib/util/errors.ts';
import { HOUR, iso } from '../../../src/lib/util/time.ts';
import { farm, job, module, moduleFile, T0 } from '../../support/docs.ts';
import { Memory } from '../../support/memory-backend.ts';
import { collect, makePorts, type TestPorts } from '../../support/ports.ts';

let now = 0;
let base: TestPorts;
let systems: Map<string, Memory>;
const MODULES = { '1.0': moduleFile([module('Count', { level: 'run', raw: false })], { any: ['Count'] }) };
const later = (minutes: number): void => {
  now += minutes * 60_000;
};

/** The clock is right again: the next process has it. One that runs never goes back. */
async function back(minutes: number): Promise<void> {
  await base.close();
  later(-minutes);
  base = await makePorts({ folder: base.folder, now: () => now });
}

/** A host of `site`, with anything of its settings changed. */
function at(site: string, more: Partial<Settings> = {}, host = `${site}1`): Ports {
  const farms = ['alpha', 'beta'].map((name) => ({ ...farm(name), output: [], reads: [] }));
  const settings = { ...base.settings, farms, modules: MODULES, farm: site, ...more };
  const backend = async (name: string) => systems.get(name)!;
  return { ...base, settings, host, by: `test@${host}`, backend };
}

beforeEach(async () => {
  now = Date.parse(T0);
  base = await makePorts({ now: () => now });
  systems = new Map(['alpha', 'beta'].map((name) => [name, new Memory(name)]));
});
afterEach(() => base.remove());

async function addJob(run: number, labels: readonly string[] = []): Promise<string> {
  const made = job({ run, module: module('Count', { level: 'run', raw: false }) });
  await base.store.update(made._id, () => ({ write: { ...made, labels, hash: base.settings.hash } }));
  return made._id;
}

const jobs = (): Promise<JobDoc[]> => base.store.range<JobDoc>(idsWith('job:'));
const sites = async (): Promise<(string | undefined)[]> =>
  (await jobs()).map(({ subjobs: [first] }) => {
    const state = first!.state;
    return 'lock' in state ? state.lock?.site : undefined;
  });

test('steps of one round open a farm once; a step alone, and a later one, look again', async () => {
  let asked = 0;
  const alpha = systems.get('alpha')!;
  const identity = alpha.identity.bind(alpha);
  alpha.identity = async () => {
    asked++;
    return identity();
  };
  const round: Round = { farms: new Map(), after: [] };
  const one = { ...at('alpha'), round };
  await collect(submit(one));
  await Promise.all(round.after);
  await collect(monitor(one));
  expect(asked).toBe(1);
  later(1);
  await collect(monitor(one));
  expect(asked).toBe(2);
  await collect(monitor(at('alpha')));
  expect(asked).toBe(3);
  // The lease was given back beside the next step.
  expect(await base.store.range(idsWith('lease:'))).toEqual([]);
});

describe('routing', () => {
  test('the first rule that matches in every field', () => {
    const rules = [
      { module: 'Ana*', version: '7.*', farms: ['a'] },
      { runs: [[10, 20]] as const, farms: ['b'] },
      { label: 'big', farms: ['c', 'd'] },
    ];
    const of = (more: object) => routeOf(rules, { module: 'Count', version: '1.0', run: 1, labels: [], ...more });
    expect(of({ module: 'Analysis', version: '7.0' })).toEqual({ rule: 0, farms: ['a'] });
    expect(of({ module: 'Analysis', run: 12 })?.farms).toEqual(['b']);
    expect(of({ labels: ['x', 'big'] })?.farms).toEqual(['c', 'd']);
    expect(of({})).toBeUndefined();
  });

  test('a job that goes to another farm is left to it, and why says so', async () => {
    const routing = [{ runs: [[2, 2]] as const, farms: ['beta'] }];
    await addJob(1);
    await addJob(2);
    expect(await collect(submit(at('alpha', { routing })))).toMatchObject([{ did: 'submitted', run: 1 }]);
    const [report] = await why(at('alpha', { routing }), { text: '2/Count', run: 2, module: 'Count' });
    const gate = report?.gates.find((one) => one.gate === 'routing');
    expect(gate).toMatchObject({ ok: false, text: 'goes to beta (routing rule 1), not to alpha' });
    expect(await collect(submit(at('alpha', { routing })))).toEqual([]);
    expect(await collect(submit(at('beta', { routing })))).toMatchObject([{ did: 'submitted', run: 2, site: 'beta' }]);
    expect(await sites()).toEqual(['alpha', 'beta']);
  });

  test('after a change of the configuration it is looked at again', async () => {
    await addJob(1);
    const routing = [{ farms: ['beta'] }];
    expect(await collect(submit(at('alpha', { routing })))).toEqual([]);
    expect(await collect(submit(at('alpha', { routing: [], hash: 'other' })))).toHaveLength(1);
  });

  test('a version that is not installed is left to a farm that has it', async () => {
    const farms = [
      { ...farm('alpha'), output: [], reads: [], versions: ['0.9'] },
      { ...farm('beta'), output: [], reads: [], versions: ['0.9', '1.0'] },
    ];
    const id = await addJob(1);
    expect(await collect(submit(at('alpha', { farms })))).toEqual([]);
    const doc = (await base.store.get<JobDoc>([id])).get(id)!;
    const facts = (await jobFacts(at('alpha', { farms }), [doc]))(doc, farms[0]!);
    expect(jobGates(facts).find((gate) => !gate.ok)?.text).toBe('1.0 is not installed at alpha, which has 0.9');
    expect(await collect(submit(at('beta', { farms })))).toHaveLength(1);
  });
});

describe('one submitter per site', () => {
  test('another one is told who is at work; in a chain that is no failure', async () => {
    await addJob(1);
    const lease = await takeLease(at('alpha'), 'submit', 'alpha');
    const second = collect(submit(at('alpha', {}, 'alpha2')));
    await expect(second).rejects.toThrow(BusyError);
    await expect(second).rejects.toThrow(/submit is already running for alpha \(test@alpha1 since/);
    const items = await collect(chain(at('alpha', { loops: ['submit'] }, 'alpha2')));
    expect(items).toMatchObject([{ did: 'skipped', step: 'submit' }]);
    expect(items[0]?.failed).toBeUndefined();
    expect(await collect(submit(at('beta')))).toHaveLength(1);
    await lease.release();
    await addJob(2);
    expect(await collect(submit(at('alpha', {}, 'alpha2')))).toHaveLength(1);
  });

  test('one that has been silent for too long is taken over, and notices; one that renews is not', async () => {
    const lease = await takeLease(at('alpha'), 'submit', 'alpha');
    later(20);
    expect(await lease.renew()).toBe(true);
    later(20);
    await expect(takeLease(at('alpha'), 'submit', 'alpha')).rejects.toThrow(BusyError);
    later(20);
    const other = await takeLease(at('alpha', {}, 'alpha2'), 'submit', 'alpha');
    expect(await lease.renew()).toBe(false);
    await lease.release();
    await expect(takeLease(at('alpha'), 'submit', 'alpha')).rejects.toThrow(BusyError);
    await other.release();
  });

  test('one whose process has ended on this host is taken over at once', async () => {
    const presence = presenceIn(`${base.folder}/present`, 'alpha1');
    const ended = { ...presence, ended: async ({ nonce }: Claimed) => nonce === 'dead' };
    const left = await takeLease({ ...at('alpha'), nonce: () => 'dead', presence }, 'submit', 'alpha');
    await expect(takeLease({ ...at('alpha'), presence }, 'submit', 'alpha')).rejects.toThrow(BusyError);
    await takeLease({ ...at('alpha'), presence: ended }, 'submit', 'alpha');
    expect(await left.renew()).toBe(true);
    later(15);
    expect(await left.renew()).toBe(false);
  });
});

describe('clocks that were ahead', () => {
  test('a lease that is dated beyond now is taken over, and said', async () => {
    await addJob(1);
    later(24 * 60);
    await takeLease(at('alpha', {}, 'alpha2'), 'submit', 'alpha');
    await back(24 * 60);
    const page = await status(at('alpha'));
    const text = expect.stringMatching(/test@alpha2 holds the lease until .*, in the future/);
    expect(page.needYou).toContainEqual({ way: 'clock', text, next: 'dflow submit --site alpha' });
    const items = await collect(submit(at('alpha')));
    expect(items.map(({ did }) => did)).toEqual(['took-over', 'submitted']);
    expect((await status(at('alpha'))).needYou.filter(({ way }) => way === 'clock')).toEqual([]);
  });

  test('one a few seconds ahead is of a living submitter', async () => {
    later(1);
    await takeLease(at('alpha', {}, 'alpha2'), 'submit', 'alpha');
    await back(1);
    await expect(collect(submit(at('alpha')))).rejects.toThrow(BusyError);
  });

  test('heartbeats beyond now are overwritten; of a farm that is silent its silence counts from now', async () => {
    await addJob(1);
    later(24 * 60);
    await collect(submit(at('beta')));
    await beat(at('alpha'), 'register', 'ok');
    await back(24 * 60);
    const words = (await status(at('alpha'))).needYou.map(({ text }) => text).join();
    expect(words).toContain('beta: its heartbeat is dated');
    expect(words).toContain('register on alpha1: its last run is dated');
    await beat(at('alpha'), 'register', 'ok');
    expect(await collect(reset(at('alpha')))).toMatchObject([{ ref: 'beta', did: 'dated-back' }]);
    expect((await status(at('alpha'))).needYou.filter(({ way }) => way === 'clock')).toEqual([]);
    later(40);
    expect((await status(at('alpha'))).needYou.map(({ text }) => text).join()).toContain('beta');
  });

  test('a claim of a submit that was killed then is put back, a retry is made, a hold that ends by itself holds nothing', async () => {
    const [claimed, cooling] = [await addJob(1), await addJob(2)];
    const tomorrow = iso(now + 24 * HOUR);
    const lock = { site: 'alpha', epoch: 1, claim: 'dead', index: 0 };
    const failure = { site: 'alpha', cause: 'node', phase: 'payload', reason: 'r', text: 't' } as const;
    const states: Record<string, SubjobState> = {
      [claimed]: { name: 'submitting', since: tomorrow, lock },
      [cooling]: { name: 'held', since: tomorrow, reason: 'node', failure, until: iso(now + 25 * HOUR) },
    };
    for (const [id, state] of Object.entries(states)) {
      await base.store.update<JobDoc>(id, (doc) => ({
        write: { ...doc!, state: passState([state]), subjobs: [{ ...doc!.subjobs[0]!, state }] },
      }));
    }
    later(24 * 60);
    await collect(pause(at('alpha'), { what: 'pause', scope: {}, why: 'x', until: iso(now + HOUR), slug: 'p' }));
    await back(24 * 60);
    const words = (await status(at('alpha'))).needYou.map(({ text }) => text).join('\n');
    expect(words).toContain('2 subjobs are held or claimed by a clock that was ahead');
    expect(words).toContain("hold:p (x) is dated 24h ahead of the store's clock: it does not count");
    await collect(reset(at('alpha')));
    expect((await jobs()).map(({ state }) => state)).toEqual(['waiting', 'waiting']);
    expect((await collect(submit(at('alpha')))).map(({ did }) => did)).toEqual(['submitted', 'submitted']);
  });
});

describe('attempts that were given up', () => {
  const key = async (): Promise<string> => [...systems.get('alpha')!.keys.keys()][0]!;

  test('are stopped when their site is back; only then their claim is cleared away', async () => {
    await addJob(1);
    const alpha = at('alpha');
    await collect(submit(alpha));
    const old = await key();
    await collect(unlock(at('beta'), 'alpha', 'it will not come back'));
    expect(await collect(submit(at('beta')))).toHaveLength(1);
    expect(systems.get('alpha')!.keys.get(old)).toBe('running');
    later(60);
    await collect(reset(alpha));
    const claim = `claim:${old.slice(0, old.lastIndexOf('.'))}`;
    expect((await base.store.get([claim])).size).toBe(1);
    await collect(monitor(alpha));
    expect(systems.get('alpha')!.canceled).toEqual([old]);
    expect(await sites()).toEqual(['beta']);
    await collect(monitor(alpha));
    expect((await base.store.get<ClaimDoc>([claim])).get(claim)?.settled).toEqual([0]);
    const asked: string[] = [];
    for await (const seen of poll(alpha)) asked.push(seen.key);
    expect(asked).toEqual([]);
    await collect(reset(alpha));
    expect((await base.store.get([claim])).size).toBe(0);
  });

  test('their absence is no site fault', async () => {
    for (let run = 1; run <= 10; run++) await addJob(run);
    const alpha = at('alpha');
    await collect(submit(alpha));
    await collect(unlock(at('beta'), 'alpha', 'rebuilt'));
    systems.get('alpha')!.keys.clear();
    const seen = [];
    for await (const one of poll(alpha)) seen.push(one);
    expect(seen).toHaveLength(10);
    expect(seen.every((one) => one.superseded && one.state === 'absent')).toBe(true);
    expect(await collect(applyObservations(alpha, seen))).toEqual([]);
  });
});

test('a step that is run by hand tells that this host is alive, and how it ended', async () => {
  const loops = (): Promise<LoopDoc[]> => base.store.range<LoopDoc>(idsWith('loop:'));
  const alpha = at('alpha');
  await collect(beating(alpha, 'submit', submit(alpha)));
  expect(await loops()).toMatchObject([{ host: 'alpha1', loop: 'submit', outcome: 'ok' }]);
  const rev = (await loops())[0]?._rev;
  await collect(beating(alpha, 'submit', submit(alpha)));
  expect((await loops())[0]?._rev).toBe(rev);
  systems.get('alpha')!.identity = async () => {
    throw new UnreachableError('the scheduler is down');
  };
  await expect(collect(beating(alpha, 'submit', submit(alpha)))).rejects.toThrow(UnreachableError);
  expect(await loops()).toMatchObject([{ outcome: 'the scheduler is down' }]);
  await collect(beating(alpha, 'monitor', submit(alpha, { dryRun: true }), { dryRun: true }));
  expect(await loops()).toHaveLength(1);
});

test('a slip on the command line is no failure of the loop', async () => {
  const alpha = at('alpha');
  const loopOf = async () => (await base.store.range<LoopDoc>(idsWith('loop:'))).map(({ outcome }) => outcome);
  const before = await loopOf();
  await expect(collect(beating(alpha, 'submit', submit(alpha, { site: 'nope' })))).rejects.toThrow(UsageError);
  expect(await loopOf()).toEqual(before);
});
