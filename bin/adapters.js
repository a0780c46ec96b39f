// Writes src/lib/cli/adapters.ts: the list of storage protocols, batch systems, stores and databases of run tables. A folder
// `<kind>/<name>/` with `<name>.ts` is an adapter; what the others hold is shared.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const LIST = 'src/lib/cli/adapters.ts';

const KINDS = {
  ...{ protocols: 'StorageModule', backends: 'BackendModule', catalogues: 'CatalogueModule' },
  ...{ stores: 'StoreModule', ratdbs: 'RatdbModule' },
};

/** Adapters of one kind, in order: their names, and whether they have an `about.ts`. */
function adapters(root, kind) {
  const folder = join(root, 'src/lib', kind);
  return readdirSync(folder)
    .filter((name) => existsSync(join(folder, name, `${name}.ts`)))
    .sort()
    .map((name) => {
      if (!/^[a-z][a-z0-9]*$/.test(name)) throw new Error(`src/lib/${kind}/${name}: use lower-case letters and digits`);
      return { name, about: existsSync(join(folder, name, 'about.ts')) };
    });
}

const entry = (kind, { name, about }) =>
  `  ${name}: { ${about ? `...${kind}_${name}, ` : ''}load: () => import('../${kind}/${name}/${name}.ts') },`;

/** The text of the list. */
export function adapterList(root) {
  const found = Object.keys(KINDS).map((kind) => ({ kind, all: adapters(root, kind) }));
  const abouts = found.flatMap(({ kind, all }) => all.filter(({ about }) => about).map(({ name }) => ({ kind, name })));
  const imports = [
    "import type { BackendModule } from '../backend.ts';",
    "import type { CatalogueModule } from '../catalogue.ts';",
    "import type { RatdbModule } from '../runtables.ts';",
    "import type { StorageModule } from '../storage.ts';",
    "import type { StoreModule } from '../store.ts';",
    ...abouts.map(({ kind, name }) => `import { about as ${kind}_${name} } from '../${kind}/${name}/about.ts';`),
  ].sort((one, other) => (one.slice(one.indexOf("'")) < other.slice(other.indexOf("'")) ? -1 : 1));
  const lists = found.map(
    ({ kind, all }) =>
      `export const ${kind.toUpperCase()}: Adapters<${KINDS[kind]}> = {\n${all.map((one) => entry(kind, one)).join('\n')}\n};`,
  );
  return `// Written by bin/adapters.js at each build, from the folders of protocols/, backends/, catalogues/, stores/ and ratdbs/: do not edit.
// biome-ignore-all format: generated.
${imports.join('\n')}
import type { Adapters } from './adapter.ts';

${lists.join('\n\n')}
`;
}

/** Writes the list where it differs. */
export function writeAdapterList(root) {
  const text = adapterList(root);
  const file = join(root, LIST);
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
}
