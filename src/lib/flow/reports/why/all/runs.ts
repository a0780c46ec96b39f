// Runs without their automatic passes, for `why --all`: by the first gate that is not met.

import { refOf } from '../../../../domain/ids.ts';
import { firstUnmet, runGates } from '../../../../domain/jobs/readiness.ts';
import { isAutomatic } from '../../../../domain/runs/run.ts';
import { together } from '../../../../util/concurrency.ts';
import { batches } from '../../../../util/values/group.ts';
import { have } from '../../../../util/values/have.ts';
import { views } from '../../../../views/index.ts';
import { runFacts } from '../../../jobs/facts.ts';
import type { ReadPorts } from '../../../ports.ts';
import type { Reason } from './reason.ts';

/** Runs looked at at a time. */
const PAGE = 1_000;

/** Runs without their automatic passes, by the first gate that is not met; numbers in the words do not count. */
export async function runReasons(ports: ReadPorts): Promise<Reason[]> {
  const states = ['todo', 'open'] as const;
  const rows = await together(...states.map((state) => ports.store.view(views.runs, { prefix: [state] })));
  const due = [...new Set(rows.map(({ key }) => key[1]))].filter((run) => isAutomatic(ports.settings.automatic, run));
  const groups = new Map<string, Reason>();
  for (const page of batches(due, PAGE)) await countRuns(ports, page, groups);
  return [...groups.values()];
}

async function countRuns(ports: ReadPorts, runs: readonly number[], groups: Map<string, Reason>): Promise<void> {
  const { level, version } = ports.settings.automatic;
  const facts = await runFacts(ports, runs, level, version);
  for (const run of runs) {
    const unmet = firstUnmet(runGates(have(facts, run)));
    const text = unmet ? `${unmet.gate}: ${unmet.text}` : 'ready, not enqueued yet';
    const key = text.replace(/\d+/g, 'N');
    const old = groups.get(key);
    const fresh: Reason = {
      ...{ what: 'run', count: 0, unit: 'runs', text, example: refOf(run), next: unmet?.next ?? 'dflow enqueue' },
    };
    groups.set(key, { ...(old ?? fresh), count: (old?.count ?? 0) + 1 });
  }
}
