// Putting jobs of the first pass back, so that they run again with all their tries.
import { appendHistory } from '../../../domain/doc.ts';
import { type FirstPassDoc, firstPassJobs } from '../../../domain/firstpass/firstpass.ts';
import { refOf } from '../../../domain/ids.ts';
import { tookEffect } from '../../../store.ts';
import type { Iso } from '../../../util/time.ts';
import { withDryRun } from '../../dry.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import type { NamedJob } from './firstpassdocs.ts';

interface RetryOptions extends StepOptions {
  readonly why?: string;
}

/** Failed jobs wait again, and so does one that has ended well, when it is named. A running one is left alone. */
export function retryFirstPass(ports: Ports, jobs: readonly NamedJob[], options: RetryOptions = {}): Step {
  return withDryRun(ports, options, (on) => retryJobs(on, jobs, options.why ?? 'retry'));
}

async function* retryJobs(ports: Ports, jobs: readonly NamedJob[], why: string): Step {
  const at = await ports.store.now();
  for (const { id, run, job } of jobs) {
    const base = { kind: 'run', ref: refOf(run, job), run } as const;
    const outcome = await ports.store.update<FirstPassDoc>(id, (doc) => {
      if (doc?.state === 'completed' && makesTables(ports, job)) return { skip: 'is completed: its tables exist' };
      return putBack(doc, at, ports.by, why);
    });
    if (tookEffect(outcome)) yield { ...base, did: 'retried', text: 'it waits for dflow tables', next: 'dflow tables' };
    else yield left(base, outcome.doc, outcome.why ?? outcome.result);
  }
}

/** Such a job is completed while its tables exist, whatever its document says. */
function makesTables({ settings }: Ports, name: string): boolean {
  const job = firstPassJobs(settings.tables).find((one) => one.name === name);
  return job !== undefined && job.makes.length > 0;
}

function putBack(doc: FirstPassDoc | undefined, at: Iso, by: string, why: string) {
  if (!doc) return { skip: 'no such job was planned' };
  if (doc.state === 'running' && doc.until > at) return { skip: `runs on ${doc.host ?? 'a host'}` };
  if (doc.state === 'waiting') return { skip: 'is waiting already' };
  const { why: _, ...rest } = doc;
  const history = appendHistory(doc.history ?? [], { at, from: doc.state, to: 'waiting', by, why });
  return { write: { ...rest, state: 'waiting' as const, failures: 0, since: at, until: at, history } };
}

function left(
  base: Pick<Item, 'ref'> & { readonly kind: 'run'; readonly run: number },
  doc: FirstPassDoc | undefined,
  text: string,
): Item {
  if (!doc) return { ...base, did: 'unknown', failed: true, text, next: `dflow list first-pass ${base.run}` };
  return { ...base, did: 'unchanged', text, next: `dflow why ${base.ref}` };
}
