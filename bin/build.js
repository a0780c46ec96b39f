// Bundles src/ into dist/ (one ESM chunk set: an entry per command, shared code split out)
// and writes oclif.manifest.json, so that a start loads only the command that was asked for.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Every .ts file below a folder, as paths relative to the project's root. */
function sources(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

/** Scripts below src/ (.mjs) are carried as text; those of packages are code. */
const scripts = {
  name: 'scripts',
  setup(bundler) {
    bundler.onLoad({ filter: /\.mjs$/ }, ({ path }) => {
      return path.startsWith(join(root, 'src/')) ? { contents: readFileSync(path, 'utf8'), loader: 'text' } : undefined;
    });
  },
};

/** Where bin/run.js and oclif look for what they start. */
const outputs = {
  'src/lib/cli/main.ts': 'main',
  'src/lib/cli/help.ts': 'help',
  'src/lib/cli/reference.ts': 'reference',
};

rmSync(join(root, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: [...sources('src/commands'), ...Object.keys(outputs), 'src/lib/backends/local/supervisor.ts'].map(
    (path) => ({ in: path, out: outputs[path] ?? path.slice('src/'.length).replace(/\.ts$/, '') }),
  ),
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  // ES modules where a package has both: a dynamic import of a CommonJS one has no named exports.
  mainFields: ['module', 'main'],
  target: 'node20',
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
  // A package with a binary of its own, and the modules that only newer Node versions have.
  external: ['libsql', 'node:sqlite'],
  loader: { '.sh': 'text', '.py': 'text' },
  plugins: [scripts],
  banner: {
    js: "import { createRequire as dflowRequire } from 'node:module';\nconst require = dflowRequire(import.meta.url);",
  },
});

// The manifest: what oclif needs to know of each command without loading it.
const { Plugin } = await import('@oclif/core');
const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true });
await plugin.load();
writeFileSync(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest, null, 1)}\n`);
