// A password in the address of a store that is away: no command shows it, however long it waits for the store.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { BIN, environment, folder, removeFolders } from '../support/cli.ts';

afterAll(removeFolders);

interface Ended {
  readonly code: number;
  readonly said: string;
}

function run(cwd: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [BIN, ...args],
      { cwd, env: environment({ DEBUG: 'dflow' }) },
      (_, out, err) => resolve({ code: child.exitCode ?? -1, said: out + err }),
    );
  });
}

test('credentials in a store address are never shown', async () => {
  const here = folder();
  const store = 'http://shifter:hunter2@127.0.0.1:1/dflow';
  writeFileSync(join(here, 'dflow.yaml'), `store: ${store}\nbuffer: {path: ., pattern: 'r{run}'}\nstorage: {a: ./s}\n`);
  const commands = [['status'], ['config', 'show'], ['store', 'info']];
  const ended = await Promise.all(commands.map((args) => run(here, args)));
  expect(ended.map(({ code }) => code)).toEqual([3, 0, 3]);
  for (const { said } of ended) {
    expect(said).toContain('127.0.0.1:1');
    expect(said).not.toContain('hunter2');
  }
});
