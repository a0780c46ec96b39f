// One step of dflow as a process of its own, that strikes itself at an exact point between two writes: the flow, the store
// and the batch system are the real ones, only watched. Bundled by esbuild before it is started.
// argv: step, site, `leased` or `free`, limit. POINT: `<call>:<kill|stop>-<before|after>`; STRUCK: a file that gets our
// pid when it strikes; RACES: a file that gets a line for each job that another submitter claimed first.
import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Backend } from '../../src/lib/backend.ts';
import { load } from '../../src/lib/cli/config/load.ts';
import { openPorts } from '../../src/lib/cli/ports.ts';
import type { Step } from '../../src/lib/flow/ports.ts';
import { monitor } from '../../src/lib/flow/steps/monitor/monitor.ts';
import { reset } from '../../src/lib/flow/steps/reset/reset.ts';
import { submit } from '../../src/lib/flow/steps/submit/submit.ts';
import type { Outcome, Store } from '../../src/lib/store.ts';
import { BusyError } from '../../src/lib/util/errors.ts';
import { replacing } from '../support/ports.ts';

const [step = '', site = '', lease = '', limit = '1'] = process.argv.slice(2);
const { POINT = '', STRUCK = '', RACES = '' } = process.env;
const [wanted, fault = ''] = POINT.split(':');

function strike(call: string, side: 'before' | 'after'): void {
  if (call !== wanted || !fault.endsWith(side) || existsSync(STRUCK)) return;
  writeFileSync(STRUCK, String(process.pid));
  process.kill(process.pid, fault.startsWith('kill') ? 'SIGKILL' : 'SIGSTOP');
}

async function around<T>(call: string, work: () => Promise<T>): Promise<T> {
  strike(call, 'before');
  const result = await work();
  strike(call, 'after');
  return result;
}

/** How far a submit has come with its present claim: what its next write to jobs is. */
let stage: 'picking' | 'mapped' | 'handed' = 'picking';
const mapped = new Set<string>();

/** What a write is to the step; heartbeats, leases and wakes are `other`. */
function callOf(id: string | undefined): string {
  const [kind = ''] = (id ?? '').split(':');
  if (kind !== 'claim' && kind !== 'job') return 'other';
  if (step !== 'submit') return `${kind}s`;
  if (kind === 'claim') return mapped.has(id!) ? 'taken' : 'map';
  return stage === 'mapped' ? 'claim' : stage === 'handed' ? 'record' : 'other';
}

function advance(call: string, id: string): void {
  if (call === 'map') mapped.add(id);
  stage = call === 'map' ? 'mapped' : call === 'claim' || call === 'record' ? 'picking' : stage;
}

function countRaces(call: string, outcomes: readonly Outcome[]): void {
  const lost = outcomes.filter(({ result }) => result === 'skipped');
  if (call === 'claim' && RACES !== '') for (const { id } of lost) appendFileSync(RACES, `${site} ${id}\n`);
}

const watchedStore = (store: Store): Store =>
  replacing(store, {
    update: async (id, change) => {
      const call = callOf(id);
      const outcome = await around(call, () => store.update(id, change));
      advance(call, id);
      return outcome;
    },
    bulk: async (changes) => {
      const call = callOf(changes[0]?.id);
      const outcomes = await around(call, () => store.bulk(changes));
      countRaces(call, outcomes);
      advance(call, changes[0]?.id ?? '');
      return outcomes;
    },
  });

const watchedBackend = (backend: Backend): Backend =>
  replacing(backend, {
    submit: async (claim, tasks) => {
      const answers = await backend.submit(claim, tasks);
      stage = 'handed';
      return answers;
    },
    acknowledge: (records) => around('acknowledge', () => backend.acknowledge(records)),
  });

const { settings } = await load({ cwd: process.cwd(), env: process.env, host: hostname() });
const opened = await openPorts(settings, { write: true, command: step });
const backends = new Map<string, Promise<Backend>>();
const ports = {
  ...opened,
  store: watchedStore(opened.store),
  backend: (farm: string) => {
    if (!backends.has(farm)) backends.set(farm, opened.backend(farm).then(watchedBackend));
    return backends.get(farm)!;
  },
};

function made(): Step {
  if (step === 'monitor') return monitor(ports, { site });
  if (step === 'reset') return reset(ports, { site });
  return submit(ports, { site, limit: Number(limit), lease: lease === 'leased' });
}

try {
  for await (const item of made()) {
    if (item.failed) process.exitCode = 1;
    process.stdout.write(`${JSON.stringify(item)}\n`);
  }
} catch (error) {
  if (!(error instanceof BusyError)) throw error;
  process.exitCode = 75;
} finally {
  await opened.close();
}
