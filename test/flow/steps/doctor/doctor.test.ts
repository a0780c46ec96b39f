// The engine of doctor: limits, what does not answer, what breaks, what is chosen. Its checks are beside this file and in test/cli/doctor.test.ts.
import { afterEach, describe, expect, test } from 'vitest';
import type { CheckItem } from '../../../../src/lib/domain/results/items.ts';
import { type Check, failed, ok } from '../../../../src/lib/flow/steps/doctor/check.ts';
import { type DoctorOptions, doctor } from '../../../../src/lib/flow/steps/doctor/doctor.ts';
import { ItemError, StoreError } from '../../../../src/lib/util/errors.ts';
import { patientIn } from '../../../support/patient.ts';
import { closeWorlds } from '../../../support/ports.ts';

afterEach(closeWorlds);

const check = (name: string, look: () => Promise<ReturnType<typeof ok>>, more: Partial<Check> = {}): Check => ({
  name,
  group: 'storage',
  about: [],
  looks: () => [{ subject: 'sfu', look }],
  ...more,
});

async function run(checks: readonly Check[], options: DoctorOptions = {}): Promise<CheckItem[]> {
  const items: CheckItem[] = [];
  for await (const item of doctor(await patientIn(), { ...options, checks })) items.push(item);
  return items;
}

describe('doctor', () => {
  test('what hangs does not keep the others waiting, and is named with what can be done', async () => {
    const items = await run(
      [check('hangs', () => new Promise(() => undefined)), check('answers', async () => ok('well'))],
      { patience: 20 },
    );
    expect(items.map(({ check: name, did }) => [name, did])).toEqual([
      ['answers', 'ok'],
      ['hangs', 'failed'],
    ]);
    expect(items[1]).toMatchObject({ failed: true, text: 'no answer within 0 s' });
    expect(items[1]?.next).toContain('dflow storage disable sfu');
  });

  test('an error of dflow is what was found, with its own hint', async () => {
    const [item] = await run([
      check('e', async () => Promise.reject(new ItemError('no space', { hint: 'free some' }))),
    ]);
    expect(item).toMatchObject({ did: 'failed', text: 'no space', next: 'free some' });
  });

  test('a defect of one check is told as such, and the others go on', async () => {
    const items = await run([
      check('breaks', async () => Promise.reject(new TypeError('x is undefined'))),
      check('well', async () => ok('well')),
    ]);
    expect(items.map(({ did }) => did).sort()).toEqual(['failed', 'ok']);
    expect(items.find(({ failed: wrong }) => wrong)?.text).toContain('this check broke: x is undefined');
  });

  test('without its store a check is not failed but not checked', async () => {
    const [item] = await run([check('e', async () => Promise.reject(new StoreError('away')))]);
    expect(item).toMatchObject({ did: 'not-checked', text: 'needs the store: store/answers says why' });
  });

  test('--only takes checks, groups and one subject; a misspelt one is a mistake', async () => {
    const checks = [check('one', async () => ok('1')), check('two', async () => ok('2'), { group: 'farm' })];
    expect((await run(checks, { only: ['one'] })).map(({ ref }) => ref)).toEqual(['one/sfu']);
    expect((await run(checks, { only: ['farm'] })).map(({ ref }) => ref)).toEqual(['two/sfu']);
    expect((await run(checks, { only: ['two/sfu'] })).map(({ ref }) => ref)).toEqual(['two/sfu']);
    await expect(run(checks, { only: ['storag'] })).rejects.toThrow("no check 'storag'; did you mean storage?");
  });

  test('a dry run does not look where it would touch something, and says what', async () => {
    let looked = false;
    const touching: Check = {
      name: 'touching',
      group: 'storage',
      about: [],
      looks: () => [
        {
          subject: 'sfu',
          touches: 'writes a file',
          look: async () => {
            looked = true;
            return failed('x', 'y');
          },
        },
      ],
    };
    const [item] = await run([touching], { dryRun: true });
    expect(item).toMatchObject({ did: 'not-checked', dryRun: true, text: 'without --dry-run: writes a file' });
    expect(looked).toBe(false);
  });
});
