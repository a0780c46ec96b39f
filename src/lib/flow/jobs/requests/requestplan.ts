// The whole plan of a request, which a large one has in pieces.
import type { PlanDoc, RequestDoc } from '../../../domain/jobs/request.ts';
import type { ReadStore } from '../../../store.ts';
import { ItemError } from '../../../util/errors.ts';

/** The request with its whole plan. @throws ItemError when a piece is gone */
export async function withPlan(store: Pick<ReadStore, 'get'>, request: RequestDoc): Promise<RequestDoc> {
  const { parts, ...rest } = request;
  if (!parts) return request;
  const docs = await store.get<PlanDoc>(parts.map(({ id }) => id));
  const gone = parts.find(({ id }) => !docs.has(id));
  if (!gone) return { ...rest, plan: [...request.plan, ...parts.flatMap(({ id }) => docs.get(id)?.plan ?? [])] };
  // Another call may have replaced the plan and removed these pieces: then the request names new ones.
  const now = (await store.get<RequestDoc>([request._id])).get(request._id);
  if (now && !now.parts?.some(({ id }) => id === gone.id)) return withPlan(store, now);
  throw new ItemError(`the plan of request '${request.name}' is incomplete: ${gone.id} does not exist`, {
    where: request._id,
    hint: `the same request by another name: --request ${request.name}-2`,
  });
}
