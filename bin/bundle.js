// How sources become ES modules that Node runs: one chunk set, shared code split out.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';

/** Bundles `entries` ({in, out} below the project's root) into a folder. */
export async function bundle(root, outdir, entries) {
  /** Scripts below src/ (.mjs) are carried as text; those of packages are code. */
  const scripts = {
    name: 'scripts',
    setup(bundler) {
      bundler.onLoad({ filter: /\.mjs$/ }, ({ path }) => {
        return path.startsWith(join(root, 'src/'))
          ? { contents: readFileSync(path, 'utf8'), loader: 'text' }
          : undefined;
      });
    },
  };
  /** ink draws nothing where CI is set, and knows tools of developers that are not installed. */
  const screen = {
    name: 'screen',
    setup(bundler) {
      bundler.onLoad({ filter: /node_modules\/is-in-ci\/index\.js$/ }, () => ({ contents: 'export default false;' }));
      bundler.onLoad({ filter: /node_modules\/ink\/build\/devtools\.js$/ }, () => ({ contents: '' }));
    },
  };
  await build({
    absWorkingDir: root,
    entryPoints: entries,
    outdir,
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
    plugins: [scripts, screen],
    // React has a build for developers and one for users.
    define: { 'process.env.NODE_ENV': '"production"' },
    banner: {
      js: "import { createRequire as dflowRequire } from 'node:module';\nconst require = dflowRequire(import.meta.url);",
    },
  });
}
