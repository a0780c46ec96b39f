// The plan of a large request lies in pieces, each well below what a document of CouchDB may hold, and is read, extended
// and renumbered as one.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type PlanItem, passesOf, type RequestDoc } from '../../../src/lib/domain/jobs/request.ts';
import { unsound } from '../../../src/lib/domain/schemas.ts';
import { withPlan } from '../../../src/lib/flow/jobs/requests/requestplan.ts';
import { changePlan, cutPlan, PART, removeParts } from '../../../src/lib/flow/steps/reprocess/parts.ts';
import { idsWith } from '../../../src/lib/store.ts';
import { makePorts, T0, type TestPorts } from '../../support/ports.ts';

let ports: TestPorts;
beforeEach(async () => {
  ports = await makePorts();
});
afterEach(() => ports.remove());

const planOf = (passes: number, first = 1): PlanItem[] =>
  Array.from({ length: passes }, (_, i) => ({
    run: 100_000_000 + first + i,
    module: 'Analysis40',
    pass: 1,
    needs: [{ module: 'Processing', pass: 1 }],
  }));

function request(plan: readonly PlanItem[]): RequestDoc {
  const asked = {
    version: '7.0.8',
    level: 'L1',
    modules: ['Analysis40'],
    priority: 0,
    labels: [],
    prerequisite: 'latest',
  };
  return {
    _id: 'request:big',
    kind: 'request',
    v: 1,
    name: 'big',
    ...asked,
    plan,
    by: 'test',
    created: T0,
    history: [],
  };
}

async function stored(): Promise<RequestDoc> {
  return (await ports.store.get<RequestDoc>(['request:big'])).get('request:big')!;
}

async function write(plan: readonly PlanItem[]): Promise<void> {
  const doc = await cutPlan(ports.store, request(plan));
  await ports.store.update('request:big', () => ({ write: doc }));
}

const pieces = () => ports.store.range(idsWith('plan:'));

test('100,000 passes: every document stays below two megabytes and can be read; the plan is the same', async () => {
  const plan = planOf(100_000);
  await write(plan);
  const docs = [await stored(), ...(await pieces())];
  expect(docs).toHaveLength(1 + 100_000 / PART);
  for (const doc of docs) {
    expect(JSON.stringify(doc).length).toBeLessThan(2_000_000);
    expect(unsound(doc)).toBeUndefined();
  }
  expect(passesOf(await stored())).toBe(100_000);
  expect((await withPlan(ports.store, await stored())).plan).toEqual(plan);
});

test('a small plan is in the request itself', async () => {
  await write(planOf(PART));
  expect((await stored()).plan).toHaveLength(PART);
  expect(await pieces()).toEqual([]);
});

test('a plan that grows or changes leaves no piece behind, also when somebody else changes it meanwhile', async () => {
  await write(planOf(PART));
  const more = planOf(5, PART + 1);
  await changePlan(ports.store, await stored(), (whole) => ({ ...whole, plan: [...whole.plan, ...more] }));
  expect(passesOf(await stored())).toBe(PART + 5);
  let others = 0;
  const result = await changePlan(ports.store, await stored(), (whole) => {
    if (whole.plan.some(({ pass }) => pass === 2)) return undefined;
    others++;
    return { ...whole, plan: whole.plan.map((item) => ({ ...item, pass: 2 })) };
  });
  expect(others).toBe(1);
  expect(result.plan.every(({ pass }) => pass === 2)).toBe(true);
  expect((await withPlan(ports.store, await stored())).plan).toEqual(result.plan);
  const two = await Promise.all(
    ['a', 'b'].map((module) =>
      changePlan(ports.store, request([]), (whole) => ({
        ...whole,
        plan: [...whole.plan, { run: 1, module, pass: 1, needs: [] }],
      })),
    ),
  );
  expect(two).toHaveLength(2);
  const whole = await withPlan(ports.store, await stored());
  expect(
    whole.plan
      .slice(PART + 5)
      .map(({ module }) => module)
      .sort(),
  ).toEqual(['a', 'b']);
  const known = new Set((await stored()).parts!.map(({ id }) => id));
  expect(new Set((await pieces()).map(({ _id }) => _id))).toEqual(known);
});

test('a call that came too late takes its pieces away again, but not those that are in use', async () => {
  await write(planOf(PART + 1));
  const mine = await cutPlan(ports.store, request(planOf(PART + 1, 7)));
  expect(await pieces()).toHaveLength(4);
  await removeParts(ports.store, mine, await stored());
  expect(await pieces()).toHaveLength(2);
  const same = await cutPlan(ports.store, request(planOf(PART + 1)));
  await removeParts(ports.store, same, await stored());
  expect(await pieces()).toHaveLength(2);
});

test('who reads the request while its plan changes gets the new plan', async () => {
  await write(planOf(PART + 1));
  const before = await stored();
  await changePlan(ports.store, before, (whole) => ({ ...whole, plan: planOf(PART + 2) }));
  expect((await withPlan(ports.store, before)).plan).toHaveLength(PART + 2);
});

test('a piece that is gone is told, and not taken for a small plan', async () => {
  await write(planOf(PART + 1));
  const [first] = await pieces();
  await ports.store.update(first!._id, () => ({ remove: true }));
  await expect(withPlan(ports.store, await stored())).rejects.toMatchObject({
    exit: 1,
    message: expect.stringContaining('incomplete'),
  });
});
