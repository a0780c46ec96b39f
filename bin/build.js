// Bundles src/ into dist/ (one ESM chunk set: an entry per command, shared code split out)
// and writes oclif.manifest.json, so that a start loads only the command that was asked for.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeAdapterList } from './adapters.js';
import { bundle } from './bundle.js';
import { writeCheckList } from './checks.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Every .ts file below a folder, as paths relative to the project's root. */
function sources(folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

/** Where bin/run.js and oclif look for what they start. */
const outputs = {
  'src/lib/cli/main.ts': 'main',
  'src/lib/cli/completion/complete.ts': 'complete',
  'src/lib/cli/output/help.ts': 'help',
  'src/lib/cli/output/reference.ts': 'reference',
};

writeAdapterList(root);
writeCheckList(root);
rmSync(join(root, 'dist'), { recursive: true, force: true });
await bundle(
  root,
  'dist',
  [...sources('src/commands'), ...Object.keys(outputs), 'src/lib/backends/local/supervisor.ts'].map((path) => ({
    in: path,
    out: outputs[path] ?? path.slice('src/'.length).replace(/\.ts$/, ''),
  })),
);

// The manifest: what oclif needs to know of each command without loading it.
const { Plugin } = await import('@oclif/core');
const plugin = new Plugin({ root, type: 'core', ignoreManifest: true, errorOnManifestCreate: true });
await plugin.load();
writeFileSync(join(root, 'oclif.manifest.json'), `${JSON.stringify(plugin.manifest, null, 1)}\n`);

// What was built, in one word and last of all: loops end when another build lies on disk.
const digest = createHash('sha256');
for (const entry of readdirSync(join(root, 'dist'), { recursive: true, withFileTypes: true })
  .filter((one) => one.isFile())
  .map((one) => join(one.parentPath, one.name))
  .sort())
  digest.update(entry.slice(root.length)).update(readFileSync(entry));
writeFileSync(join(root, 'dist/build-id'), `${digest.digest('hex').slice(0, 16)}\n`);
