// Requests with how far they are, counted by the store.
import type { RequestDoc } from '../../../domain/jobs/request.ts';
import type { RequestRow, Rows } from '../../../domain/results/rows.ts';
import { idsWith } from '../../../store.ts';
import { views } from '../../../views/index.ts';
import type { ReadPorts } from '../../ports.ts';

export async function* requestRows(ports: ReadPorts): Rows<RequestRow> {
  const groups = await ports.store.count(views.jobsByRequest, 2);
  const counts = new Map(groups.map(({ key, value }) => [key.join('\0'), value]));
  for (const doc of await ports.store.range<RequestDoc>(idsWith('request:'))) {
    const count = (state: string): number => counts.get(`${doc.name}\0${state}`) ?? 0;
    const done = count('completed');
    yield {
      kind: 'request',
      ref: doc._id,
      name: doc.name,
      version: doc.version,
      modules: doc.modules,
      priority: doc.priority,
      passes: doc.plan.length,
      done,
      failed: count('failed') + count('partFail'),
      state: doc.made === undefined ? 'being made' : done === doc.plan.length ? 'done' : 'open',
      by: doc.by,
      created: doc.created,
    };
  }
}
