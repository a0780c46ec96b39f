// Hosts that the configuration does not name run no step of the chain: a shifter's laptop must not submit.
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dflow, folder, must, removeFolders } from '../support/cli.ts';

const STEPS = [
  'register --no-wait',
  'tables',
  'transfer',
  'purge --yes',
  'submit',
  'monitor',
  'monitor poll',
  'chain --no-wait',
];
let place = '';

beforeAll(() => {
  place = folder();
  for (const name of ['raw', 'store', 'modules']) mkdirSync(join(place, name), { recursive: true });
  const text = "buffer: {path: ./raw, pattern: 'run{run:5}_{subrun}.dat'}\nstorage: {disk: ./store}\n";
  writeFileSync(join(place, 'dflow.yaml'), text);
  must(place, ['store', 'setup']);
  appendFileSync(join(place, 'dflow.yaml'), "hosts: {buffer1: {loops: [register]}, 'login*': {loops: [submit]}}\n");
});
afterAll(removeFolders);

test.each(STEPS)('%s', (line) => {
  const words = line.split(' ');
  const ran = dflow(place, words, { env: { DFLOW_HOST: 'laptop' } });
  expect(ran.code).toBe(2);
  expect(ran.err).toContain("this host is 'laptop', and hosts: of the configuration names only buffer1, login*");
  expect(ran.err).toContain(`${words.filter((word) => !word.startsWith('-')).join(' ')} --here`);
  expect(dflow(place, [...words, '--here'], { env: { DFLOW_HOST: 'laptop' } }).code).toBe(0);
  expect(dflow(place, words, { env: { DFLOW_HOST: 'login7' } }).code).toBe(0);
});

test('a loop does not begin, by its command or by its name; --here begins it', () => {
  const env = { DFLOW_HOST: 'laptop' };
  for (const line of ['loop -- register --no-wait', 'loop --name processing', 'loop --once -- monitor poll']) {
    const ran = dflow(place, line.split(' '), { env });
    expect([line, ran.code, ran.out]).toEqual([line, 2, '']);
    expect(ran.err).toContain("this host is 'laptop', and hosts: of the configuration names only buffer1, login*");
    expect(ran.err).toContain('--here');
  }
  const which = dflow(place, ['loop', '--show'], { env });
  expect(which.err).toContain('Next: dflow loop --here -- register');
  const named = dflow(place, ['loop', '--show'], { env: { DFLOW_HOST: 'login7' } });
  expect([named.code, named.err]).toEqual([2, expect.stringContaining('which loop? Those of this host are submit')]);
  expect(named.err).toContain('Next: dflow loop --show --name submit');
  const words = ['loop', '--once', '--here'];
  for (const run of [
    ['--name', 'submit'],
    ['--', 'register', '--no-wait'],
    ['--', 'monitor', 'poll'],
  ])
    expect([run, dflow(place, [...words, ...run], { env }).code]).toEqual([run, 0]);
  expect(dflow(place, ['screens', 'cron', '--here'], { env }).out).toContain('loop --once --here --config');
  expect(dflow(place, ['loop', '--once', '--', 'list', 'holds'], { env }).code).toBe(0);
});

test('a dry run, a look and an operator’s switch are free', () => {
  for (const line of ['submit -n', 'status', 'transfer --cancel --to disk --why test', 'enqueue']) {
    expect([line, dflow(place, line.split(' '), { env: { DFLOW_HOST: 'laptop' } }).code]).toEqual([line, 0]);
  }
});
