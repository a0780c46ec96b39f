// A new version of dflow is installed while an old one runs: its parts are gone when they are asked for.

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { environment } from '../support/cli.ts';

const root = resolve(import.meta.dirname, '../..');

test('a program that was replaced says so, and is no defect', () => {
  const copy = mkdtempSync(join(tmpdir(), 'dflow-replaced-'));
  try {
    for (const name of ['bin', 'dist', 'package.json', 'oclif.manifest.json'])
      cpSync(join(root, name), join(copy, name), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
    unlinkSync(join(copy, 'dist/commands/status.js'));
    const ran = spawnSync(process.execPath, [join(copy, 'bin/run.js'), 'status'], {
      env: environment(),
      encoding: 'utf8',
    });
    expect([ran.status, ran.stderr]).toEqual([75, expect.stringContaining('dflow was replaced on disk')]);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});
