// The local backend's supervisor as a file of its own, built from the source under test: dist/ may be older or missing.
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');

/** Builds it and answers its path and how to remove it. Below node_modules, so that it finds its packages. */
export async function buildSupervisor(): Promise<{ path: string; remove(): void }> {
  const folder = join(root, 'node_modules/.cache/dflow-test', `${process.pid}-${Date.now()}`);
  const path = join(folder, 'supervisor.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: ['src/lib/backends/local/supervisor.ts'],
    outfile: path,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
    external: ['libsql', 'node:sqlite'],
    loader: { '.sh': 'text' },
  });
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
