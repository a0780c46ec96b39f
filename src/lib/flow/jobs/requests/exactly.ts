// The exactly file of a request: `module run pass` of each pass that it made.
import { jobId, requestId } from '../../../domain/ids.ts';
import type { PlanItem, RequestDoc } from '../../../domain/jobs/request.ts';
import type { ReadStore } from '../../../store.ts';
import { views } from '../../../views/index.ts';
import { withPlan } from './requestplan.ts';

/** `MODULE RUN PASS`. */
export const exactlyLine = ({ module, run, pass }: Omit<PlanItem, 'needs'>): string => `${module} ${run} ${pass}`;

/** The passes of a request, also of one that is not made to its end: then those that exist. */
export async function exactlyLines(store: ReadStore, name: string): Promise<string[]> {
  const doc = (await store.get<RequestDoc>([requestId(name)])).get(requestId(name));
  if (!doc) return [];
  const { plan } = await withPlan(store, doc);
  const rows = doc.made === undefined ? await store.view(views.jobsByRequest, { prefix: [name] }) : [];
  const ids = new Set(rows.map(({ id }) => id));
  const made = plan.filter(({ run, module, pass }) => doc.made !== undefined || ids.has(jobId(run, module, pass)));
  return made.map(exactlyLine);
}
