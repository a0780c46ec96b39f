// A demo-sized chain whose commands are killed or stopped at random moments, then finished: it must end in the same
// state as one that nobody touched, with no job started twice, no file registered or copied twice, nothing left over.
//   DFLOW_CHAOS_SEED=7 DFLOW_CHAOS_BLOWS=100 npx vitest run --config test/vitest.config.ts test/slow/chaos.test.ts
import { appendFileSync, mkdtempSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { makeExperiment } from '../../src/lib/cli/demo/experiment.ts';
import { type Blow, killSupervisor, leaveMarks, marks, random, strike } from '../support/chaos.ts';
import { must } from '../support/cli.ts';
import { documents, filesBelow, inodes, picture } from '../support/picture.ts';

const seed = Number(process.env.DFLOW_CHAOS_SEED ?? Math.floor(Date.now() / 1000));
const blows = Number(process.env.DFLOW_CHAOS_BLOWS ?? 40);
const folders: string[] = [];

/** The demo's experiment, with payloads that leave marks of their own, and limits fit for a test's patience. */
function experiment(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'dflow-chaos-')));
  folders.push(folder);
  makeExperiment(folder, { seed: 42 });
  appendFileSync(join(folder, 'dflow.yaml'), 'limits: {submitting: 2s, grace: 2s}\ntransfer: {lease: 3s}\n');
  leaveMarks(folder);
  must(folder, ['store', 'setup']);
  const tables = readdirSync(join(folder, 'ratdb')).map((name) => join('ratdb', name));
  must(folder, ['tables', 'load', ...tables]);
  return folder;
}

function finish(folder: string): void {
  must(folder, ['chain', '--until-idle'], [0, 1]);
}

function leftovers(folder: string): string[] {
  return filesBelow(join(folder, 'storage')).filter(
    (path) => path.includes('.dflow-') || path.split('/').some((part) => part.startsWith('.')),
  );
}

afterAll(() => {
  for (const folder of folders) {
    killSupervisor(folder);
    rmSync(folder, { recursive: true, force: true });
  }
});

test(`${blows} blows, seed ${seed}`, async () => {
  const calm = experiment();
  finish(calm);
  const expected = picture(calm);
  const folder = experiment();
  const next = random(seed);
  const struck: Blow[] = [];
  const copied = new Map<string, number>();
  for (let blow = 0; blow < blows; blow++) {
    struck.push(await strike(folder, next));
    // A copy that is recorded as verified must never be made again.
    const now = inodes(folder);
    for (const [path, inode] of copied) expect([path, now.get(path)]).toEqual([path, inode]);
    for (const path of verifiedPaths(folder)) if (now.has(path)) copied.set(path, now.get(path)!);
  }
  finish(folder);
  const hits = struck.filter((blow) => blow.hit).length;
  console.log(`chaos: seed ${seed}, ${struck.length} blows, ${hits} while the command ran; ${summary(struck)}`);
  expect(picture(folder)).toEqual(expected);
  expect(marks(folder)).toEqual(marks(calm));
  expect(new Set(marks(folder)).size).toBe(marks(folder).length);
  expect(leftovers(folder)).toEqual([]);
  expect(hits).toBeGreaterThan(blows / 4);
});

/** Paths below storage/ of replicas that the catalogue calls verified. */
function verifiedPaths(folder: string): string[] {
  // biome-ignore lint/suspicious/noExplicitAny: documents are read as plain JSON here, on purpose
  const data = documents(folder).filter((doc) => doc.kind === 'data') as any[];
  return data.flatMap((doc) =>
    doc.files.flatMap((file: { replicas: Record<string, { state: string; path: string }> }) =>
      Object.entries(file.replicas).flatMap(([name, replica]) =>
        replica.state === 'verified' ? [`${name}/${replica.path}`] : [],
      ),
    ),
  );
}

function summary(struck: readonly Blow[]): string {
  const count = (how: Blow['how']) => struck.filter((blow) => blow.how === how && blow.hit).length;
  return `kill ${count('kill')}, stop ${count('stop')}, supervisor ${count('supervisor')}`;
}
