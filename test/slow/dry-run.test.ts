// Every changing command's --dry-run is true: what it printed is what then happened, item by item, and printing it
// changed nothing. One experiment is taken through the chain, each step first dry.
import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeExperiment } from '../../src/lib/cli/demo/experiment.ts';
import { killSupervisor } from '../support/chaos.ts';
import { dflow, lines, must } from '../support/cli.ts';

interface Item {
  readonly kind: string;
  readonly ref: string;
  readonly did: string;
  readonly dryRun?: boolean;
  readonly failed?: boolean;
  readonly file?: string;
  readonly storage?: string;
}

let folder = '';

beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-dry-')));
  makeExperiment(folder, { seed: 7 });
  appendFileSync(join(folder, 'dflow.yaml'), 'limits: {submitting: 1s, grace: 1s}\n');
  must(folder, ['store', 'setup']);
});

afterAll(() => {
  killSupervisor(folder);
  rmSync(folder, { recursive: true, force: true });
});

function items(args: readonly string[], input = ''): Item[] {
  const ran = dflow(folder, [...args, '--json'], { input });
  expect([0, 1], `${args.join(' ')}: ${ran.err}`).toContain(ran.code);
  return lines<Item>(ran.out);
}

/** What was done to what, in any order, without heartbeats of the step itself. */
function deeds(all: readonly Item[]): string[] {
  return all.map((item) => [item.kind, item.ref, item.did, item.file, item.storage].filter(Boolean).join(' ')).sort();
}

/** The store's documents, as one hash. */
function stateOf(): string {
  return createHash('sha256')
    .update(must(folder, ['store', 'export']))
    .digest('hex');
}

/** Dry, then real: the same deeds; and the dry one changed nothing. */
function agrees(args: readonly string[], input = ''): string[] {
  const before = stateOf();
  const dry = items([...args, '--dry-run'], input);
  expect(stateOf()).toBe(before);
  // An estimate is found, not done.
  const done = dry.filter(({ kind, did }) => did !== 'skipped' && kind !== 'estimate');
  expect(done.filter((item) => !item.dryRun && !item.failed)).toEqual([]);
  const real = items(args, input);
  expect(deeds(dry)).toEqual(deeds(real));
  return deeds(real);
}

describe.sequential('the chain, step by step', () => {
  test('register', () => expect(agrees(['register']).length).toBeGreaterThan(40));
  test('tables load', () => {
    const files = readdirSync(join(folder, 'ratdb')).map((name) => join('ratdb', name));
    expect(agrees(['tables', 'load', ...files]).length).toBeGreaterThan(15);
  });
  test('transfer to the primary', () => expect(agrees(['transfer', '--to', 'sfu'])).toHaveLength(40));
  test('transfer, the rest', () => expect(agrees(['transfer'])).toHaveLength(80));
  test('enqueue', () => expect(agrees(['enqueue']).length).toBeGreaterThan(25));
  test('pause', () => {
    const [dry, real] = [
      items(['pause', '--module', 'Processing', '--why', 'test', '--for', '1h', '--dry-run']),
      items(['pause', '--module', 'Processing', '--why', 'test', '--for', '1h']),
    ];
    expect(dry.map(({ did }) => did)).toEqual(real.map(({ did }) => did));
  });
  test('submit while paused hands over nothing', () =>
    expect(agrees(['submit']).filter((deed) => deed.includes('submitted'))).toEqual([]));
  test('resume', () => {
    const hold = lines<Item>(must(folder, ['list', 'holds', '--json'])).find((row) => row.ref.includes('pause'));
    expect(agrees(['resume', hold?.ref ?? '', '--why', 'over'])).toHaveLength(1);
  });
  test('cancel', () => expect(agrees(['cancel', '109120/Analysis40', '--yes'])).toHaveLength(1));
  test('submit', () => expect(agrees(['submit', '--limit', '5'])).toHaveLength(5));
  test('monitor and chain with jobs at the batch system', () => {
    const before = stateOf();
    for (const step of ['monitor', 'chain'])
      expect(items([step, '--dry-run']).filter(({ kind, failed }) => kind === 'loop' && failed)).toEqual([]);
    expect(stateOf()).toBe(before);
  });
  test('enqueue --complete', () => expect(agrees(['enqueue', '--complete', '109129'])).not.toEqual([]));
  test('the rest runs', () => must(folder, ['chain', '--until-idle'], [0, 1]));
  test('retry through a pipe, as an operator would type it', () => {
    const piped = must(folder, ['list', 'jobs', '--state', 'partFail', '--json']);
    expect(lines(piped)).toHaveLength(1);
    expect(agrees(['retry', '-'], piped)).toEqual(['job 109134/Processing/1.001 retried']);
  });
  test('a piped line whose state has changed is refused and named', () => {
    const stale = `{"kind":"job","ref":"109134/Processing/1","state":"completed"}\n`;
    const ran = dflow(folder, ['retry', '-', '--json'], { input: stale });
    expect(ran.code).toBe(1);
    expect(ran.out + ran.err).toContain('109134/Processing/1');
  });
  test('reset --dry-run names what it would put back', () => {
    must(folder, ['cancel', '109134/Processing', '--yes']);
    expect(agrees(['reset', '109134/Processing', '--state', 'canceled'])).toHaveLength(1);
    must(folder, ['chain', '--until-idle'], [0, 1]);
  });
  test('reprocess', () => {
    const deed = agrees([
      'reprocess',
      '--run',
      '109120-109124',
      '--module',
      'Analysis40',
      '--version',
      '7.0.8',
      '--request',
      'again',
    ]);
    expect(deed.filter((line) => line.includes(' made'))).not.toEqual([]);
  });
  test('store import into an empty store', () => {
    const all = must(folder, ['store', 'export']);
    rmSync(join(folder, 'dflow.db'));
    must(folder, ['store', 'setup']);
    expect(agrees(['store', 'import', '-'], all).length).toBeGreaterThan(100);
    expect(must(folder, ['store', 'export'])).toBe(all);
  });
});
