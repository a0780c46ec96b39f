import { expect, test } from 'vitest';
import { chainSteps } from '../../../src/lib/domain/farms/hostplan.ts';

const planned = (run: string, on = true) => ({ name: run, run: run.split(' '), on });

test('chain does the steps of the loops, whatever their options; a loop for one farm does not stand for the step', () => {
  const loops = [
    'enqueue',
    'submit --order newest',
    'monitor poll --spool /s',
    'monitor apply --spool /s',
    'tables load x',
  ];
  expect(chainSteps(loops.map((run) => planned(run)))).toEqual(['enqueue', 'submit', 'monitor']);
  expect(chainSteps([planned('submit --site cedar'), planned('monitor poll'), planned('reset', false)])).toEqual([]);
});
