// The end of a job's output for a message: a few lines, harmless and without secrets, or the words that there is none.

import { refOf } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import { DflowError, messageOf } from '../../../util/errors.ts';
import { inTime } from '../../../util/intime.ts';
import { withoutSecrets } from '../../../util/text/secrets.ts';
import { manyLines } from '../../../util/text/terminal.ts';
import { SECOND } from '../../../util/time.ts';
import type { ReadPorts } from '../../ports.ts';
import { logsOf } from '../logs.ts';

const LINES = 20;
const WIDTH = 200;
const BYTES = 16_000;
/** A batch system that hangs must not keep the message. */
const PATIENCE = 30 * SECOND;

/** Of the subjob that failed last. */
export async function tailOf(ports: ReadPorts, id: string): Promise<string> {
  const job = (await ports.store.get<JobDoc>([id])).get(id);
  const failed = (job?.subjobs ?? []).filter(({ state }) => 'failure' in state && state.failure);
  const last = [...failed].sort((a, b) => (a.state.since < b.state.since ? -1 : 1)).at(-1);
  if (!job || !last) return 'No log: the job is no longer as it was.';
  const ref = refOf(job.run, job.module, job.pass, last.index);
  try {
    const logs = await inTime(logsOf(ports, job, { subjobs: [last.index], bytes: BYTES }), PATIENCE);
    const text = logs?.[0]?.text;
    if (!logs) return `No log of ${ref}: the batch system did not answer within ${PATIENCE / SECOND} s.`;
    if (text === undefined || text.trim() === '') return `No log of ${ref}: no output was kept.`;
    const lines = manyLines(withoutSecrets(text)).trimEnd().split('\n').slice(-LINES);
    return [`Last lines of ${ref}:`, ...lines.map((line) => `  | ${line.slice(0, WIDTH)}`)].join('\n');
  } catch (error) {
    if (!(error instanceof DflowError)) throw error;
    return `No log of ${ref}: ${messageOf(error)}.`;
  }
}
