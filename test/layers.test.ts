// The layer table of docs/architecture.md: who may import whom. A new folder must be entered here.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** First match wins. `may`: layers it may import besides itself. */
const LAYERS: readonly { name: string; path: RegExp; may: readonly string[] }[] = [
  { name: 'util', path: /^src\/lib\/util\//, may: [] },
  { name: 'domain', path: /^src\/lib\/domain\//, may: ['util'] },
  { name: 'views', path: /^src\/lib\/views\//, may: ['domain', 'util'] },
  { name: 'store contract', path: /^src\/lib\/store\.ts$/, may: ['domain', 'util'] },
  { name: 'stores', path: /^src\/lib\/stores\//, may: ['store contract', 'views', 'domain', 'util'] },
  { name: 'storage contract', path: /^src\/lib\/storage\.ts$/, may: ['domain', 'util'] },
  { name: 'protocols', path: /^src\/lib\/protocols\//, may: ['storage contract', 'domain', 'util'] },
  { name: 'wrapper', path: /^src\/lib\/wrapper\//, may: ['domain', 'util'] },
  { name: 'backend contract', path: /^src\/lib\/backend\.ts$/, may: ['wrapper', 'domain', 'util'] },
  { name: 'backends', path: /^src\/lib\/backends\//, may: ['backend contract', 'wrapper', 'domain', 'util'] },
  {
    name: 'flow',
    path: /^src\/lib\/flow\//,
    may: ['store contract', 'storage contract', 'backend contract', 'wrapper', 'domain', 'util'],
  },
  { name: 'render', path: /^src\/lib\/render\//, may: ['flow', 'domain', 'util'] },
  {
    name: 'cli',
    path: /^src\/lib\/cli\//,
    may: [
      'flow',
      'render',
      'domain',
      'util',
      'views',
      'store contract',
      'stores',
      'storage contract',
      'protocols',
      'backend contract',
      'backends',
      'wrapper',
    ],
  },
  { name: 'commands', path: /^src\/commands\//, may: ['cli', 'flow', 'render', 'domain', 'util'] },
];

function layerOf(file: string): (typeof LAYERS)[number] {
  const layer = LAYERS.find((candidate) => candidate.path.test(file));
  if (!layer) throw new Error(`${file} is in no layer: enter it in test/layers.test.ts and docs/architecture.md`);
  return layer;
}

const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)));

test('every import stays within the layer table', () => {
  const wrong: string[] = [];
  for (const file of files) {
    const layer = layerOf(file);
    const source = readFileSync(join(root, file), 'utf8');
    for (const match of source.matchAll(/(?:from|import\()\s*['"`](\.[^'"`]+)['"`]/g)) {
      const target = relative(root, resolve(root, dirname(file), match[1]!));
      if (/\.(sh|py|mjs|json)$/.test(target)) continue;
      const other = layerOf(target);
      if (other.name !== layer.name && !layer.may.includes(other.name)) wrong.push(`${file} imports ${target}`);
    }
  }
  expect(files.length).toBeGreaterThan(20);
  expect(wrong).toEqual([]);
});

test('domain and flow read no clock, no random source and no process environment', () => {
  const wrong: string[] = [];
  for (const file of files.filter((name) => /^src\/lib\/(domain|flow|views)\//.test(name))) {
    const source = readFileSync(join(root, file), 'utf8')
      .replace(/\/\/.*$/gm, '')
      .replace(/\/\*[\s\S]*?\*\//g, '');
    for (const banned of [/Date\.now\(/, /new Date\(\)/, /Math\.random\(/, /process\.env/, /setTimeout\(/]) {
      if (banned.test(source)) wrong.push(`${file}: ${banned.source}`);
    }
  }
  expect(wrong).toEqual([]);
});
