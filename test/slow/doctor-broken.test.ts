// Ten things broken at once, and the same set-up healthy: doctor names each with what mends it, and nothing else. Two whole
// examinations of a set-up with all its folders: longer than the quick tests may take on a busy machine.
import { afterAll, expect, test } from 'vitest';
import type { CheckItem } from '../../src/lib/domain/results/items.ts';
import { dflow, lines, removeFolders } from '../support/cli.ts';
import { undescribed } from '../support/doctordoc.ts';
import { brokenSetUp, healthySetUp } from '../support/setups.ts';

afterAll(removeFolders);

/** What is wrong, what doctor says of it, and what mends it. */
const TEN = [
  ['copies', 'copies.raw asks for 5 copies; there can only be 3', 'copies: {raw: 3} in dflow.yaml'],
  ['folders/buffer L1', '/row does not exist', 'mkdir -p '],
  ['hosts', 'is not in `hosts:`', 'in dflow.yaml, if this host is to work'],
  ['modules/1.0', 'count.sh is a script that nobody may run', 'chmod a+rx '],
  ['modules/2.0', 'count.sh is a script that nobody may run', 'chmod a+rx '],
  ['rules/outputs', "type of output 'conuts'", 'counts instead of conuts in `outputs:`'],
  ['versions/automatic', 'no automatic.version', "automatic: {version: '2.0'}"],
  ['tools/condor_submit', 'not on PATH; farm birch needs it', "load HTCondor's environment"],
  ['credentials/proxy', 'expired more than a year ago', 'voms-proxy-init'],
  ['trust', 'expired: 1 list of revoked certificates', 'fetch-crl'],
  ['storage/ral', 'not permitted, in /sys/kernel', 'check owner, mode and attributes of /sys/kernel'],
] as const;

test('ten things broken at once: each is named with what mends it, and nothing else', () => {
  const { folder, env } = brokenSetUp();
  const { code, out } = dflow(folder, ['doctor', '--json'], { env });
  const items = lines<CheckItem & object>(out);
  const wrong = new Map(items.filter(({ did }) => did === 'failed' || did === 'warning').map((one) => [one.ref, one]));
  for (const [ref, text, next] of TEN) {
    expect([ref, wrong.get(ref)?.text]).toEqual([ref, expect.stringContaining(text)]);
    expect([ref, wrong.get(ref)?.next]).toEqual([ref, expect.stringContaining(next)]);
  }
  const others = [...wrong.keys()].filter((ref) => !TEN.some(([known]) => known === ref));
  // The other programs of the same batch system.
  expect(others.filter((ref) => !ref.startsWith('tools/condor_'))).toEqual([]);
  // Its batch system is not asked without them: the same fault is said once.
  expect(items.find(({ ref }) => ref === 'farm/birch')?.text).toMatch(/is not on PATH: tools\/condor_/);
  expect(code).toBe(1);
  expect(items.flatMap((item) => undescribed(item) ?? [])).toEqual([]);
});

test('the same, healthy: nothing to say', () => {
  const { folder, env } = healthySetUp();
  const { code, out, err } = dflow(folder, ['doctor', '--format', 'table'], { env });
  expect(out.split('\n')[0]).toMatch(/^wells on \S+ {2}\d+ ok$/);
  expect([code, err]).toEqual([0, '']);
});
