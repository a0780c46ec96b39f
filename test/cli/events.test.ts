// dflow events, as a consumer runs it: lines in a pipe, a cursor that goes on, a reader that goes away, a signal.
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dflow, lines, must, rawFolder, removeFolders, start } from '../support/cli.ts';

interface Line {
  readonly kind: string;
  readonly ref: string;
  readonly cursor: string;
  readonly about: string;
  readonly to: string;
  readonly why?: string;
  readonly document?: { readonly _id: string };
}

let place = '';
beforeAll(() => {
  place = rawFolder(2);
  must(place, ['init', '--from', 'raw']);
  must(place, ['register']);
});
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill('SIGKILL');
  removeFolders();
});

test('lines are JSON in a pipe; each cursor goes on right after its line', () => {
  const all = lines<Line>(must(place, ['events', '--json']));
  expect(lines<Line>(must(place, ['events']))).toEqual(all);
  expect(all.map(({ ref }) => ref)).toEqual(expect.arrayContaining(['1', '2', 'data:L1:0000000001']));
  expect(all.every(({ about }) => about !== 'loop')).toBe(true);
  for (const [index, { cursor }] of all.entries())
    expect(lines(must(place, ['events', '--json', '--since', cursor]))).toEqual(all.slice(index + 1));
});

test('kinds, runs and times narrow; a kind that does not exist and a cursor that is none are mistakes', () => {
  const kinds = (args: string[]): string[] => lines<Line>(must(place, ['events', ...args])).map(({ about }) => about);
  expect(new Set(kinds(['--kind', 'run,data', '--run', '2', '--since', '1h']))).toEqual(new Set(['run', 'data']));
  expect(kinds(['--kind', 'loop'])).toEqual(['loop']);
  expect(kinds(['--since', '2999-01-01'])).toEqual([]);
  expect(dflow(place, ['events', '--kind', 'jab'])).toMatchObject({ code: 2, err: expect.stringContaining('job') });
  for (const cursor of ['yesterday', '99999999'])
    expect(dflow(place, ['events', '--since', cursor])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--since 0'),
    });
  const [first] = lines<Line>(must(place, ['events', '--json', '--document', '--kind', 'run']));
  expect(first?.document?._id).toBe('run:0000000001');
});

test('a cursor file goes on from one call to the next, and belongs to one store', () => {
  const file = ['--cursor-file', 'place.json', '--json'];
  const first = lines<Line>(must(place, ['events', ...file]));
  expect(first.length).toBeGreaterThan(0);
  expect(lines(must(place, ['events', ...file]))).toEqual([]);
  must(place, ['pause', '--run', '1', '--why', 'a test']);
  expect(lines<Line>(must(place, ['events', ...file]))).toMatchObject([{ about: 'hold', to: 'held', why: 'a test' }]);
  writeFileSync(join(place, 'other.json'), JSON.stringify({ store: 'another', cursor: '1' }));
  expect(dflow(place, ['events', '--cursor-file', 'other.json'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('of another store'),
  });
});

test('--follow waits for what changes, keeps its place, and ends on a signal', async () => {
  must(place, ['events', '--cursor-file', 'follow.json']);
  const child = start(place, ['events', '--follow', '--cursor-file', 'follow.json'], 'pipe');
  children.push(child);
  const reader = createInterface({ input: child.stdout! });
  const next = once(reader, 'line');
  must(place, ['pause', '--run', '2', '--why', 'while it follows']);
  expect(JSON.parse(String((await next)[0]))).toMatchObject({ about: 'hold', why: 'while it follows' });
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  expect(await ended).toEqual([143, null]);
  const { cursor } = JSON.parse(readFileSync(join(place, 'follow.json'), 'utf8')) as { cursor: string };
  expect(lines(must(place, ['events', '--since', cursor]))).toEqual([]);
});

test('a reader that goes away ends it at the next line', async () => {
  const child = start(place, ['events', '--follow', '--since', '0'], 'pipe');
  children.push(child);
  child.stdout!.destroy();
  const ended = once(child, 'exit');
  expect((await ended)[0]).toBe(0);
});

test('--until-idle ends by itself where nothing is to be done', () => {
  expect(dflow(place, ['events', '--until-idle', '--since', '0']).code).toBe(0);
});
