// Names under which files wait for their deletion.
import { expect, test } from 'vitest';
import { gonePath, isGonePath, isOwnPath } from '../../src/lib/domain/data/gone.ts';
import { temporaryName } from '../../src/lib/domain/data/replicas.ts';
import { classifier } from '../../src/lib/domain/storage/dark.ts';

test('a waiting file is hidden, in the same folder, and known by its name alone', () => {
  expect(gonePath('a/b/run1.dat', 'n1')).toBe('a/b/.run1.dat.dflow-gone-n1');
  expect(isGonePath(gonePath('a/run 1\n.dat', 'n1'))).toBe(true);
  expect(isGonePath('a/run1.dat')).toBe(false);
  expect(isGonePath(`a/${temporaryName({ name: 'run1.dat', guid: 'g' }, 1, 'n1')}`)).toBe(false);
  expect(isOwnPath('.dflow-trash/2026-07-14/run1.dat')).toBe(true);
  expect(isOwnPath('sub/dflow/run1.dat')).toBe(false);
});

test('long names stay two, and short enough for a file system', () => {
  const long = 'é'.repeat(120);
  const [one, other] = [gonePath(`x/${long}1`, 'abcdef0123456789'), gonePath(`x/${long}2`, 'abcdef0123456789')];
  expect(one).not.toBe(other);
  expect(new TextEncoder().encode(one.slice(2)).length).toBeLessThan(256);
  expect(isGonePath(one)).toBe(true);
});

test('verify knows what waits, and a probe, from a file that nobody catalogued', () => {
  const classify = classifier('{level}/{run/1000}/{name}', ['L1']);
  const output = 'outputs/Count/0000000012/p001/e0/Count_s0.root';
  expect(classify(gonePath('L1/0/run1.dat', 'n1'))).toEqual({ is: 'leaving' });
  expect(classify(gonePath(output, 'n1'))).toEqual({ is: 'leaving' });
  expect(classify('L1/0/.probe.dflow-1-n1')).toEqual({ is: 'probe' });
  expect(classify(`elsewhere/${gonePath('run1.dat', 'n1')}`)).toBeUndefined();
});
