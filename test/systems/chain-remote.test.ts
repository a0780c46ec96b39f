// A small experiment whose only storage is a real XRootD server, on workers that mount nothing: the whole chain.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { outputFolder } from '../../src/lib/flow/jobs/spec.ts';
import { adler32File } from '../../src/lib/util/adler32.ts';
import { must } from '../support/cli.ts';
import { documents } from '../support/picture.ts';
import { filesAt, KINDS } from './remote-worker.ts';
import { A, freshFolder, httpUrl, removeFolders, rootUrl } from './servers.ts';

afterAll(() => removeFolders(A));

test.each(
  KINDS.map((kind) => [kind.protocol, kind] as const),
)('the chain, with all raw files and outputs at a server (%s)', async (_, kind) => {
  const at = freshFolder(A);
  const home = mkdtempSync(join(tmpdir(), 'dflow remote-'));
  try {
    const url = kind.protocol === 'xrootd' ? rootUrl(A, at) : httpUrl(A, at);
    experiment(home, kind.protocol, url);
    for (const step of ['register', 'transfer', 'enqueue']) must(home, [step], [0, 1]);
    const jobs = () =>
      documents(home).filter((doc) => doc.kind === 'job') as unknown as Parameters<typeof outputFolder>[0][];
    for (let round = 0; round < 60 && !jobs().every((job) => job.state === 'completed'); round++) {
      for (const step of ['submit', 'monitor', 'enqueue']) must(home, [step], [0, 1]);
      execFileSync('sleep', ['0.5']);
    }
    expect(
      jobs()
        .map((job) => `${job.module} ${job.state}`)
        .sort(),
    ).toEqual(['Count completed', 'Count completed', 'Plot completed', 'Plot completed']);
    const storage = await kind.open(A, at);
    for (const job of jobs()) {
      for (const { state } of job.subjobs) {
        if (state.name !== 'completed') continue;
        for (const output of state.outputs) {
          expect(output.storage).toBe('sfu');
          expect(await storage.readChecksum(output.path)).toMatchObject({
            adler32: output.adler32,
            size: output.size,
          });
          expect((await adler32File(join(A.data, at, output.path))).adler32).toBe(output.adler32);
        }
      }
    }
    expect(filesAt(A, at).length).toBe(2 + 4);
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  }
});

function experiment(home: string, protocol: string, url: string): void {
  mkdirSync(join(home, 'raw'));
  mkdirSync(join(home, 'modules'));
  writeFileSync(
    join(home, 'dflow.yaml'),
    `buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat', settle: 1s}
storage: {sfu: {protocol: ${protocol}, url: '${url}'}}
farms: {here: {backend: local, slots: 2}}
limits: {grace: 1s, submitting: 1s}
runs: {quiet: 0s}
`,
  );
  writeFileSync(
    join(home, 'modules/1.0.yaml'),
    `modules:
  Count: {raw: true, outputs: {counts: txt}, run: 'wc -c < "$1" > "$OUT_counts"'}
  Plot: {needs: Count, outputs: {plot: svg}, run: 'cat "$@" > "$OUT_plot"'}
runTypes: {any: [Count, Plot]}
`,
  );
  const old = new Date(Date.now() - 3_600_000);
  for (const run of [1, 2]) {
    const path = join(home, 'raw', `run${run}_0.dat`);
    writeFileSync(path, `run ${run}\n`);
    utimesSync(path, old, old);
  }
  must(home, ['store', 'setup']);
}
