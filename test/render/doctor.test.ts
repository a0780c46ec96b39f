// The page of doctor: what has one cause is said once.
import { expect, test } from 'vitest';
import type { CheckItem } from '../../src/lib/domain/results/items.ts';
import { doctorText } from '../../src/lib/render/doctor.ts';

const item = (check: string, did: CheckItem['did'], text: string): CheckItem => {
  return { kind: 'check', ref: check, did, group: 'store', check, subject: check, text };
};

test('checks that wait for the same thing are one paragraph, below what failed', () => {
  const items = [item('views', 'not-checked', 'needs it'), item('conflicts', 'not-checked', 'needs it')];
  const page = {
    experiment: 'wells',
    host: 'vm',
    items: [...items, item('answers', 'failed', 'away')],
    verbose: false,
  };
  expect(doctorText(page).split('\n')).toEqual([
    'wells on vm  1 failed, 2 unknown',
    '',
    'FAILED   store answers',
    '         away',
    '',
    'unknown  store conflicts, store views',
    '         needs it',
  ]);
});

test('several things of one check have one title', () => {
  const tools = ['sbatch', 'squeue'].map((subject) => ({ ...item('tools', 'failed', 'not on PATH'), subject }));
  const page = { experiment: 'wells', host: 'vm', items: tools, verbose: false };
  expect(doctorText(page)).toContain('FAILED   store tools sbatch, squeue\n');
});
