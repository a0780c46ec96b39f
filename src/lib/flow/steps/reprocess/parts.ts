// The plan of a large request in pieces: a document of CouchDB has 8 MB at most, which is 90,000 passes. A piece is named
// by its content and never changed, so that two calls at once cannot mix their plans.
import { createHash } from 'node:crypto';
import { SCHEMA } from '../../../domain/doc.ts';
import { planId } from '../../../domain/ids.ts';
import type { PlanDoc, PlanItem, RequestDoc } from '../../../domain/jobs/request.ts';
import { type Change, type Store, tookEffect } from '../../../store.ts';
import { ItemError } from '../../../util/errors.ts';
import { withPlan } from '../../jobs/requests/requestplan.ts';

/** Passes in a document: about one megabyte. */
export const PART = 10_000;
/** How often a plan is computed anew that others keep changing. */
const TRIES = 5;

type Stored = Pick<RequestDoc, 'plan' | 'parts'>;

/** Writes the pieces of a whole plan where it is large, and answers the request as it is to be stored. */
export async function cutPlan(store: Store, request: RequestDoc): Promise<RequestDoc> {
  const { parts: _, ...rest } = request;
  if (request.plan.length <= PART) return rest;
  const docs: PlanDoc[] = [];
  for (let start = 0; start < request.plan.length; start += PART) {
    docs.push(pieceOf(request.name, request.plan.slice(start, start + PART)));
  }
  await store.bulk<PlanDoc>(
    docs.map(
      (doc): Change<PlanDoc> => ({
        id: doc._id,
        change: (there) => (there ? { skip: 'it is there' } : { write: doc }),
      }),
    ),
  );
  return { ...rest, plan: [], parts: docs.map(({ _id, plan }) => ({ id: _id, passes: plan.length })) };
}

function pieceOf(name: string, plan: readonly PlanItem[]): PlanDoc {
  const key = createHash('sha256').update(JSON.stringify(plan)).digest('hex').slice(0, 16);
  return { _id: planId(name, key), kind: 'plan', v: SCHEMA, name, plan };
}

/**
 * Changes a request by its whole plan; `undefined` from `change` leaves it. Others may change it meanwhile: then `change`
 * is called again. Answers the request with its whole plan as it now stands.
 */
export async function changePlan(
  store: Store,
  request: RequestDoc,
  change: (whole: RequestDoc) => RequestDoc | undefined,
): Promise<RequestDoc> {
  const { _id: id } = request;
  for (let tries = 1; ; tries++) {
    const found = (await store.get<RequestDoc>([id])).get(id);
    if (!found) return request;
    const whole = await withPlan(store, found);
    const next = change(whole);
    if (!next) return whole;
    const stored = await cutPlan(store, next);
    const outcome = await store.update<RequestDoc>(id, (doc) =>
      doc && isSame(doc, found) ? { write: stored } : { skip: 'it was changed meanwhile' },
    );
    const after = tookEffect(outcome) ? stored : outcome.doc;
    await removeParts(store, tookEffect(outcome) ? found : stored, after);
    if (tookEffect(outcome)) return next;
    if (tries >= TRIES) throw new ItemError(`others change request '${request.name}' all the time`, { where: id });
  }
}

function isSame(one: RequestDoc, other: RequestDoc): boolean {
  const text = ({ plan, parts, made }: RequestDoc): string => JSON.stringify([plan, parts, made]);
  return text(one) === text(other);
}

/** Removes the pieces of `old` that `now` does not have. */
export async function removeParts(store: Store, old: Stored, now: Stored | undefined): Promise<void> {
  const kept = new Set((now?.parts ?? []).map(({ id }) => id));
  const gone = (old.parts ?? []).filter(({ id }) => !kept.has(id));
  if (gone.length > 0) await store.bulk(gone.map(({ id }) => ({ id, change: () => ({ remove: true }) })));
}
