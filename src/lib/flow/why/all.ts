// Everything that does not go on by itself, by reason: passes that failed, wait for what cannot come, or are held, and
// runs without their passes. One row per reason, not per job: a night may fail thousands for one cause.
import { refOf } from '../../domain/ids.ts';
import { parseRef } from '../../domain/selection.ts';
import type { PassState } from '../../domain/states.ts';
import type { Row, Rows } from '../look.ts';
import type { Ports } from '../ports.ts';
import { selectJobs } from '../select.ts';
import { type WhyReport, why } from '../why.ts';

const STUCK: readonly PassState[] = ['failed', 'partFail', 'unsatisfied', 'held'];
/** Passes and runs looked at: reasons repeat long before. */
const ENOUGH = 500;

export async function* whyAll(ports: Ports): Rows {
  const { jobs } = await selectJobs(ports, { states: STUCK, pass: 'last' });
  const refs = jobs.slice(0, ENOUGH).map((job) => refOf(job.run, job.module, job.pass));
  for (const state of ['todo', 'open']) {
    const rows = await ports.store.view('runs', { prefix: [state], limit: ENOUGH });
    refs.push(...rows.map((row) => refOf(Number((row.key as unknown[])[1]))));
  }
  const reasons = new Map<string, { row: Row; refs: string[] }>();
  for (const text of new Set(refs)) {
    const ref = parseRef(text);
    const [report] = ref ? await why(ports, ref) : [];
    if (report) note(reasons, report);
  }
  const sorted = [...reasons.values()].sort((a, b) => b.refs.length - a.refs.length);
  for (const { row, refs: all } of sorted) yield { ...row, count: all.length };
}

function note(reasons: Map<string, { row: Row; refs: string[] }>, report: WhyReport): void {
  const unmet = report.gates.find((gate) => !gate.ok && gate.gate !== 'subjobs');
  if (!unmet) return;
  const reason = withoutNumbers(unmet.text, report.ref);
  const key = `${unmet.gate} ${reason}`;
  const found = reasons.get(key);
  if (found) found.refs.push(report.ref);
  else {
    const row = { kind: 'reason', ref: report.ref, gate: unmet.gate, text: unmet.text, next: unmet.next ?? '' };
    reasons.set(key, { row, refs: [report.ref] });
  }
}

/** Two jobs fail for one reason though their numbers differ. */
function withoutNumbers(text: string, ref: string): string {
  return text.replaceAll(ref, 'REF').replace(/\d+/g, 'N');
}
