// How many requests a command makes of CouchDB, the opening of the store among them: over a long line each costs a round
// trip. The number has a bound, and does not grow with what the store holds.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { DataDoc } from '../../src/lib/domain/data/data.ts';
import type { Doc } from '../../src/lib/domain/doc.ts';
import { runId } from '../../src/lib/domain/ids.ts';
import type { RunDoc } from '../../src/lib/domain/runs/run.ts';
import { type Selection, STATE_SETS } from '../../src/lib/domain/selection.ts';
import type { Ports } from '../../src/lib/flow/ports.ts';
import { KINDS, type Kind } from '../../src/lib/flow/reports/look/look.ts';
import { status } from '../../src/lib/flow/reports/status/status.ts';
import { whyAll } from '../../src/lib/flow/reports/why/all/whyall.ts';
import { chain } from '../../src/lib/flow/steps/chain/chain.ts';
import { enqueue } from '../../src/lib/flow/steps/enqueue/enqueue.ts';
import { monitor } from '../../src/lib/flow/steps/monitor/monitor.ts';
import { purge } from '../../src/lib/flow/steps/purge/purge.ts';
import { register } from '../../src/lib/flow/steps/register/register.ts';
import { reset } from '../../src/lib/flow/steps/reset/reset.ts';
import { submit } from '../../src/lib/flow/steps/submit/submit.ts';
import { transfer } from '../../src/lib/flow/steps/transfer/transfer.ts';
import { openWith } from '../../src/lib/stores/couch/couch.ts';
import { VIEWS, views } from '../../src/lib/views/index.ts';
import { type FaultProxy, type RunningServer, startCouchServer, startProxy } from '../fakes/couch-server.ts';
import { dataDoc, farm, job, module, moduleFile, rawFile, T0 } from '../support/docs.ts';
import { Memory } from '../support/memory-backend.ts';
import { makePorts, type TestPorts } from '../support/ports.ts';

let server: RunningServer;
let proxy: FaultProxy;
let base: TestPorts;
beforeAll(async () => {
  server = await startCouchServer();
});
afterAll(() => server.stop());
beforeEach(async () => {
  proxy = await startProxy(server.url);
  base = await makePorts({ storages: ['disk'] });
});
afterEach(async () => {
  await base.remove();
  await proxy.stop();
});

const COUNT = module('Count', { level: 'sub_run', raw: true });

function runDoc(run: number): RunDoc {
  const complete = { at: T0, subruns: [0], evidence: 'a later run seen' };
  const levels = { L1: { complete, lastFile: T0, late: [], files: 1 } };
  const automatic = { '1.0': { at: T0, modules: ['Count'] } };
  return { _id: runId(run), kind: 'run', v: 1, run, firstSeen: T0, history: [], levels, automatic };
}

/** Runs whose passes have ended, or are `ready`. */
function documents(runs: number, ready: boolean): Doc[] {
  return Array.from({ length: runs }, (_, i) => i + 1).flatMap((run) => {
    const data: DataDoc = dataDoc(run, [rawFile(run, 0, ['disk'])]);
    const pass = { ...job({ run, module: COUNT, data }), hash: base.settings.hash };
    const ended = pass.subjobs.map((subjob) => ({ ...subjob, state: { name: 'canceled', since: T0 } as const }));
    return [runDoc(run), data, ready ? pass : { ...pass, subjobs: ended, state: 'canceled' as const }];
  });
}

function portsOn(store: Ports['store']): Ports {
  const farms = [{ ...farm('here'), reads: ['disk'], output: ['disk'], slots: 50 }];
  const modules = { '1.0': moduleFile([COUNT], { any: ['Count'] }) };
  const loops = ['register', 'tables', 'transfer', 'enqueue', 'submit', 'monitor', 'reset'] as const;
  const settings = { ...base.settings, farms, farm: 'here', modules, loops };
  // What waits to be written together waits for the end of the round, however slow the machine is.
  const sleep: Ports['sleep'] = (_, signal) =>
    new Promise((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
  return { ...base, store, settings, sleep, backend: async () => new Memory('here') };
}

async function drain(items: AsyncIterable<unknown>, limit = Number.POSITIVE_INFINITY): Promise<void> {
  let seen = 0;
  for await (const _ of items) if (++seen >= limit) return;
}

const list = (ports: Ports, kind: Kind, pass: Selection['pass'] = 'all'): AsyncIterable<unknown> =>
  KINDS[kind](ports, { states: STATE_SETS.all, pass });

interface Case {
  readonly run: (ports: Ports) => Promise<unknown>;
  readonly write?: boolean;
  readonly ready?: boolean;
}

/** What of each command is counted, and how many requests it may make. */
const COMMANDS: Readonly<Record<string, readonly [most: number, Case]>> = {
  chain: [32, { run: (ports) => drain(chain(ports)), write: true }],
  status: [5, { run: status }],
  submit: [15, { run: (ports) => drain(submit(ports)), write: true }],
  monitor: [13, { run: (ports) => drain(monitor(ports)), write: true }],
  enqueue: [5, { run: (ports) => drain(enqueue(ports)), write: true }],
  register: [11, { run: (ports) => drain(register(ports)), write: true }],
  transfer: [12, { run: (ports) => drain(transfer(ports)), write: true }],
  reset: [8, { run: (ports) => drain(reset(ports)), write: true }],
  'why --all': [12, { run: (ports) => drain(whyAll(ports)) }],
  'list jobs --limit 2': [4, { run: (ports) => drain(list(ports, 'jobs'), 2) }],
  'list jobs --pass last --limit 2': [4, { run: (ports) => drain(list(ports, 'jobs', 'last'), 2) }],
  'list runs --limit 2': [3, { run: (ports) => drain(list(ports, 'runs'), 2) }],
  'list data --limit 2': [3, { run: (ports) => drain(list(ports, 'data'), 2) }],
  'purge --dry-run': [12, { run: (ports) => drain(purge(ports, { dryRun: true })), write: true }],
  'submit --dry-run --limit 2': [
    9,
    { run: (ports) => drain(submit(ports, { dryRun: true, limit: 2 })), write: true, ready: true },
  ],
};

/** Requests of the command on a store of so many runs. */
async function requestsOf({ run, write = false, ready = false }: Case, runs: number): Promise<string[]> {
  const url = `${proxy.url}/requests-${Math.random().toString(36).slice(2, 10)}`;
  const filling = await openWith(url, { write: 'setup' }, VIEWS);
  await filling.setup('test');
  await filling.bulk(documents(runs, ready).map((doc) => ({ id: doc._id, change: () => ({ write: doc }) })));
  // Views are built now, so that no command waits for them.
  await Promise.all([filling.count(views.runs, 1), filling.count(views.active, 1)]);
  await filling.close();
  proxy.seen.length = 0;
  const store = await openWith(url, { write }, VIEWS);
  try {
    await run(portsOn(store));
    const lines = proxy.seen.map((line) => line.replace(/\/requests-\w+/, '/db').replace(/dflow-\w+/, 'dflow'));
    // What is asked while an answer is slow says nothing about the command.
    return lines.filter((line) => line !== 'GET /' && !line.endsWith('/_info'));
  } finally {
    await store.close();
  }
}

test.each(Object.entries(COMMANDS))('%s: few requests, however much the store holds', async (_, [most, command]) => {
  const few = await requestsOf(command, 3);
  expect(few.length, few.join('\n')).toBeLessThanOrEqual(most);
  const many = await requestsOf(command, 60);
  // What happens to be asked in one turn goes together; a question for each run would be 57 more.
  expect(many.length, many.join('\n')).toBeLessThanOrEqual(few.length + 5);
});
