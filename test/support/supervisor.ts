// Parts of dflow as files of their own, built from the source under test: dist/ may be older or missing.
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const root = resolve(import.meta.dirname, '../..');
let count = 0;

export interface Built {
  readonly path: string;
  remove(): void;
}

/** Builds one source file (path from the project's root). Below node_modules, so that it finds its packages. */
export async function buildModule(source: string): Promise<Built> {
  count += 1;
  const folder = join(root, 'node_modules/.cache/dflow-test', `${process.pid}-${count}`);
  const path = join(folder, 'module.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: [source],
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

/** The local backend's supervisor: pass its path as the farm's option `supervisor`. */
export function buildSupervisor(): Promise<Built> {
  return buildModule('src/lib/backends/local/supervisor.ts');
}
