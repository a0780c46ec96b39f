// Outputs by rule: those of completed passes are copied to the elements that `outputs:` of the configuration names, and
// with `keep: false` then removed elsewhere. Due is what the documents say; a stopped call is continued by the next.

import { movesAway, OUTPUTS, plannedOutputs, ruleCovers, wantedAt } from '../../../domain/data/outcopies.ts';
import { holdOnCopies } from '../../../domain/data/replicas.ts';
import { jobPrefix } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { idsWith } from '../../../store.ts';
import { views } from '../../../views/index.ts';
import { heedCancels } from '../../copies/claims/cancel.ts';
import { findGone, outputClaims } from '../../copies/claims/gone.ts';
import { settleLeft } from '../../copies/removal/leftovers.ts';
import type { Session } from '../../copies/session.ts';
import type { About, Step } from '../../ports.ts';
import { copyOutputs } from './copyoutputs.ts';
import { Mover } from './moveoutputs.ts';

/** Passes whose outputs are worked on together. */
const PAGE = 100;

/** Makes the copies of outputs that are due, once. Items: as those of raw copies, and `did: 'removed'`. */
export async function* transferOutputs(session: Session): Step {
  const { ports, options } = session;
  const { outputs: rules, folder } = ports.settings;
  if (rules.length === 0 || options.levels || options.from !== undefined) return;
  if (!options.dryRun) yield* settleLeft(ports, session.sites);
  const nonce = ports.nonce();
  const mover = new Mover(session, ports.receipts.make(folder, 'move', await ports.store.now(), nonce), nonce);
  try {
    for await (const ids of dueJobs(session)) {
      const jobs = await ports.store.get<JobDoc>(ids);
      yield* copies(session, jobs);
      for (const job of jobs.values()) {
        const users = await ports.store.range<JobDoc>(idsWith(jobPrefix(job.run)));
        yield* mover.moveAway(job, users);
      }
      if (session.left <= 0) return;
    }
  } finally {
    await mover.close();
  }
}

async function* copies(session: Session, jobs: Map<string, JobDoc>): Step {
  const { ports, options, sites } = session;
  await heedCancels(session);
  await findGone(session, outputClaims(jobs.values()));
  const now = await ports.store.now();
  const due = [...jobs.values()].flatMap((job) => {
    const usable = (storage: string): boolean =>
      !sites.aside.has(storage) && !holdOnCopies(session.rules.holds, storage, OUTPUTS, job.run);
    return plannedOutputs(job, ports.settings.outputs, usable, now, session.rules.gone, session.rules.hurried).filter(
      ({ to }) => options.to?.includes(to) !== false,
    );
  });
  const tasks = due.slice(0, session.left);
  session.left -= tasks.length;
  if (tasks.length === 0) return;
  if (!options.dryRun) {
    yield* copyOutputs(session, tasks, jobs);
    return;
  }
  for (const { ref, run, level, file, to: storage } of tasks) {
    const item: About<'replica'> = { kind: 'replica', ref, run, level, file: file.name, storage };
    yield { ...item, did: 'verified', bytes: file.size, dryRun: true };
  }
}

/** Ids of passes that a rule may concern, a page at a time, each once. The view is a hint. */
async function* dueJobs({ ports, options }: Session): AsyncGenerator<string[], void, void> {
  const { store, settings } = ports;
  const rules = settings.outputs;
  const seen = new Set<string>();
  for (const { key } of await store.count(views.outputs, 3)) {
    const [module, type, set] = key;
    if (!rules.some((rule) => ruleCovers(rule, module, type))) continue;
    const have = new Set(set.split(' ').filter((name) => name !== ''));
    const wanted = wantedAt(rules, module, type);
    const lacks = [...wanted].some((name) => !have.has(name));
    const over = movesAway(rules, module, type) && [...have].some((name) => !wanted.has(name));
    if (!lacks && !over) continue;
    const rows = await store.view(views.outputs, { prefix: [module, type, set] });
    const mine = rows.filter((row) => options.runs?.(row.key[3]) !== false && !seen.has(row.id));
    for (const { id } of mine) seen.add(id);
    for (let at = 0; at < mine.length; at += PAGE) yield mine.slice(at, at + PAGE).map(({ id }) => id);
  }
}
