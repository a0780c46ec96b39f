// The layer table of docs/architecture.md: who may import whom. A new folder must be entered here.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { groupBy } from '../src/lib/util/values/group.ts';

const root = resolve(import.meta.dirname, '..');

const CONTRACTS = [
  'views',
  'store contract',
  'run tables contract',
  'storage contract',
  'backend contract',
  'catalogue contract',
  'wrapper',
  'domain',
  'util',
];
const ROOMS = ['flow ports', 'flow jobs', 'flow farms', 'flow switches', 'flow copies', ...CONTRACTS];
const FLOW = ['flow ports', 'flow jobs', 'flow farms', 'flow switches', 'flow copies', 'flow reports', 'flow steps'];

/** First match wins. `may`: layers it may import besides itself. */
const LAYERS: readonly { name: string; path: RegExp; may: readonly string[] }[] = [
  { name: 'util', path: /^src\/lib\/util\//, may: [] },
  { name: 'domain', path: /^src\/lib\/domain\//, may: ['util'] },
  { name: 'views', path: /^src\/lib\/views\//, may: ['domain', 'util'] },
  { name: 'store contract', path: /^src\/lib\/store(file|keeping)?\.ts$/, may: ['views', 'domain', 'util'] },
  // How one logs in at a PostgreSQL server is the same for the store and for a database of run tables.
  {
    name: 'logins',
    path: /^src\/lib\/stores\/(postgres\/server\/(login|place)|shared\/server\/credentials)\.ts$/,
    may: ['util'],
  },
  { name: 'run tables contract', path: /^src\/lib\/runtables\.ts$/, may: ['domain', 'util'] },
  { name: 'ratdbs', path: /^src\/lib\/ratdbs\//, may: ['run tables contract', 'logins', 'domain', 'util'] },
  { name: 'stores', path: /^src\/lib\/stores\//, may: ['store contract', 'logins', 'views', 'domain', 'util'] },
  { name: 'storage contract', path: /^src\/lib\/storage\.ts$/, may: ['domain', 'util'] },
  { name: 'protocols', path: /^src\/lib\/protocols\//, may: ['storage contract', 'domain', 'util'] },
  { name: 'catalogue contract', path: /^src\/lib\/catalogue\.ts$/, may: ['domain', 'util'] },
  { name: 'catalogues', path: /^src\/lib\/catalogues\//, may: ['catalogue contract', 'domain', 'util'] },
  { name: 'wrapper', path: /^src\/lib\/wrapper\//, may: ['domain', 'util'] },
  { name: 'backend contract', path: /^src\/lib\/backend\.ts$/, may: ['wrapper', 'domain', 'util'] },
  { name: 'backends', path: /^src\/lib\/backends\//, may: ['backend contract', 'wrapper', 'domain', 'util'] },
  // The rooms of flow, from the ground up.
  { name: 'flow ports', path: /^src\/lib\/flow\/(ports|progress|dry)\.ts$/, may: CONTRACTS },
  { name: 'flow jobs', path: /^src\/lib\/flow\/jobs\//, may: ['flow ports', ...CONTRACTS] },
  { name: 'flow farms', path: /^src\/lib\/flow\/farms\//, may: ['flow ports', 'flow jobs', ...CONTRACTS] },
  {
    name: 'flow switches',
    path: /^src\/lib\/flow\/switches\//,
    may: ['flow ports', 'flow jobs', 'flow farms', ...CONTRACTS],
  },
  {
    name: 'flow copies',
    path: /^src\/lib\/flow\/copies\//,
    may: ['flow ports', 'flow jobs', 'flow switches', ...CONTRACTS],
  },
  { name: 'flow reports', path: /^src\/lib\/flow\/reports\//, may: ROOMS },
  { name: 'flow steps', path: /^src\/lib\/flow\/steps\//, may: ROOMS },
  { name: 'render', path: /^src\/lib\/render\//, may: [...FLOW, 'domain', 'util'] },
  {
    name: 'cli',
    path: /^src\/lib\/cli\//,
    may: [
      ...FLOW,
      'render',
      'domain',
      'util',
      'views',
      'store contract',
      'stores',
      'logins',
      'run tables contract',
      'ratdbs',
      'storage contract',
      'protocols',
      'backend contract',
      'backends',
      'catalogue contract',
      'catalogues',
      'wrapper',
    ],
  },
  { name: 'commands', path: /^src\/commands\//, may: ['cli', ...FLOW, 'render', 'domain', 'util'] },
];

function layerOf(file: string): (typeof LAYERS)[number] {
  const layer = LAYERS.find((candidate) => candidate.path.test(file));
  if (!layer) throw new Error(`${file} is in no layer: enter it in test/layers.test.ts and docs/architecture.md`);
  return layer;
}

const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)));

/** The source files that one imports. */
function importsOf(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8');
  return [...source.matchAll(/(?:from|import\(?)\s*['"`](\.[^'"`]+)['"`]/g)]
    .map((match) => relative(root, resolve(root, dirname(file), match[1]!)))
    .filter((to) => !/\.(sh|py|mjs|json)$/.test(to));
}

/** Every import of one source file by another. */
const edges = files.flatMap((from) => importsOf(from).map((to) => ({ from, to })));

/** Import cycles: of each the files in order, from the one that sorts first. */
function cycles(): string[] {
  const imports = new Map(files.map((file) => [file, importsOf(file)]));
  const state = new Map<string, 'open' | 'done'>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'open') found.push([...path.slice(path.indexOf(file)), file].join(' > '));
    if (state.has(file)) return;
    state.set(file, 'open');
    for (const to of imports.get(file) ?? []) visit(to, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  return found;
}

test('every import stays within the layer table', () => {
  const wrong = edges.filter(({ from, to }) => {
    const [mine, other] = [layerOf(from), layerOf(to)];
    return other.name !== mine.name && !mine.may.includes(other.name);
  });
  expect(files.length).toBeGreaterThan(20);
  expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

test('a step knows at most the entrance of another step, `<step>/<step>.ts`', () => {
  const step = (path: string): string | undefined => /^src\/lib\/flow\/steps\/([^/]+)\//.exec(path)?.[1];
  const wrong = edges.filter(({ from, to }) => {
    const [mine, other] = [step(from), step(to)];
    if (!mine || !other || mine === other) return false;
    return !to.endsWith(`/${other}/${other}.ts`);
  });
  expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
});

test('reports are given a store and ports that only read: one that writes does not compile', () => {
  const writes =
    /import [^;]*[{ ](Ports|Store|Storage|Backend|Change|StepOptions)[, ][^;]*from '[^']*\/(ports|store|storage|backend)\.ts'/;
  const reports = files.filter((file) => file.startsWith('src/lib/flow/reports/'));
  expect(reports.length).toBeGreaterThan(10);
  expect(reports.filter((file) => writes.test(readFileSync(join(root, file), 'utf8')))).toEqual([]);
});

test('no import cycles, of types neither', () => {
  expect(cycles()).toEqual([]);
});

/** Where code of these folders, comments left out, says something that it must not. */
function sayings(folders: RegExp, banned: readonly RegExp[]): string[] {
  return files
    .filter((file) => folders.test(file))
    .flatMap((file) => {
      const source = readFileSync(join(root, file), 'utf8')
        .replace(/\/\/.*$/gm, '')
        .replace(/\/\*[\s\S]*?\*\//g, '');
      return banned.filter((one) => one.test(source)).map((one) => `${file}: ${one.source}`);
    });
}

test('domain and flow read no clock, no random source and no process environment', () => {
  const banned = [/Date\.now\(/, /new Date\(\)/, /Math\.random\(/, /process\.env/, /setTimeout\(/];
  expect(sayings(/^src\/lib\/(domain|flow|views)\//, banned)).toEqual([]);
});

/** Modules of Node by which a program reaches beyond itself. */
const WORLD = /from 'node:(fs|fs\/promises|os|child_process|net|http|https|module|worker_threads)'|import\('execa'\)/;

/** What a file imports for its values; types are no use of it. */
function valueImports(file: string): string[] {
  const source = readFileSync(join(root, file), 'utf8').replace(/^(import|export) type [^;]*;$/gm, '');
  return [...source.matchAll(/from '(\.[^']+\.ts)'/g)].map(([, to = '']) =>
    relative(root, resolve(root, dirname(file), to)),
  );
}

/** Words and numbers of system errors come from the module `os`, which is asked for nothing else there. */
const ONLY_WORDS = 'src/lib/util/systemerrors.ts';

/** True when a file of util reaches the world, itself or by another. */
function reachesWorld(file: string): boolean {
  if (file === ONLY_WORDS) return false;
  return WORLD.test(readFileSync(join(root, file), 'utf8')) || valueImports(file).some(reachesWorld);
}

test('flow and domain reach files and programs of this machine only by their ports', () => {
  const inside = files.filter((file) => /^src\/lib\/(domain|flow)\//.test(file));
  const wrong = inside.flatMap((file) => [
    ...(WORLD.test(readFileSync(join(root, file), 'utf8')) ? [`${file} imports a module of Node`] : []),
    ...valueImports(file)
      .filter((to) => to.startsWith('src/lib/util/') && reachesWorld(to))
      .map((to) => `${file} imports ${to}`),
  ]);
  expect(reachesWorld('src/lib/util/files/receipt.ts')).toBe(true);
  expect(wrong).toEqual([]);
});

test('the live screen: one file draws, one knows the terminal, and the rest decides without either', () => {
  const using = (what: RegExp): string[] => files.filter((file) => what.test(readFileSync(join(root, file), 'utf8')));
  expect(using(/from '(?:ink|react)'/)).toEqual(['src/lib/cli/live/screen.ts']);
  expect(using(/setRawMode/).filter((file) => file.includes('/live/'))).toEqual(['src/lib/cli/live/terminal.ts']);
  const deciding = /^src\/lib\/(render\/live\/|cli\/live\/(model|keys|moves|frame|input|action)\.ts)/;
  expect(files.filter((file) => deciding.test(file)).length).toBeGreaterThan(6);
  expect(sayings(deciding, [/\bprocess\./, /new Date\(\)/, /Date\.now\(/, /setTimeout\(/, /\basync\b/])).toEqual([]);
});

test('no file has more than 300 lines, and no folder more than 12 files', () => {
  const lines = (file: string): number => readFileSync(join(root, file), 'utf8').split('\n').length - 1;
  const folders = groupBy(files, dirname);
  // One file for each command: their names are what a reader looks for.
  folders.delete('src/commands');
  const long = files.flatMap((file) => (lines(file) > 300 ? [`${file}: ${lines(file)} lines`] : []));
  const crowded = [...folders].flatMap(([folder, { length }]) => (length > 12 ? [`${folder}: ${length} files`] : []));
  expect({ long, crowded }).toEqual({ long: [], crowded: [] });
});

test('only a store reads or writes revisions of documents', () => {
  expect(sayings(/^src\/lib\/(flow|cli|render)\/|^src\/commands\//, [/\b_rev\??:/, /\._rev\b/])).toEqual([]);
});
