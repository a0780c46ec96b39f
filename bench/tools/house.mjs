// node bench/tools/house.mjs [FOLDER]: counts that say how easy a house is to find one's way in: files per folder, import cycles,
// casts and `!`, sizes of files and functions. FOLDER: a checkout (default this one). Reads text, knows no types.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(process.argv[2] ?? join(import.meta.dirname, '../..'));
const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.ts$/.test(entry.name))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)));
const texts = new Map(files.map((file) => [file, readFileSync(join(root, file), 'utf8')]));
/** Without comments and quoted texts, in which `as` is a word. */
const bare = (text) =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '')
    .replace(/'(?:[^'\\\n]|\\.)*'/g, "''");

const sorted = (numbers) => [...numbers].sort((a, b) => a - b);
const at = (numbers, share) => sorted(numbers)[Math.min(numbers.length - 1, Math.floor(numbers.length * share))];
const sizes = (numbers) => `median ${at(numbers, 0.5)}, p95 ${at(numbers, 0.95)}, max ${at(numbers, 1)}`;
const lines = (text) => text.split('\n').length - 1;

/** Lines of each function: from its head to the closing brace in the same column, as the formatter writes it. */
function functions(text) {
  const all = text.split('\n');
  const head =
    /^( *)(?:export )?(?:default )?(?:(?:static|private|protected|override|async) )*(?:function\*? \w+|\*?#?\w+)(?:<.*>)?\(.*\{$/;
  return all.flatMap((line, from) => {
    const match = head.exec(line);
    if (!match || /^ *(?:if|for|while|switch|catch|else|return|await|with)\b/.test(line)) return [];
    const to = all.findIndex((other, index) => index > from && other.startsWith(`${match[1]}}`));
    return to < 0 ? [] : [to - from + 1];
  });
}

function cycles() {
  const imports = (file) =>
    [...texts.get(file).matchAll(/(?:from|import\()\s*['"`](\.[^'"`]+)['"`]/g)]
      .map((match) => relative(root, resolve(root, dirname(file), match[1])))
      .filter((to) => texts.has(to));
  const state = new Map();
  let found = 0;
  const visit = (file) => {
    if (state.get(file) === 'open') found += 1;
    if (state.has(file)) return;
    state.set(file, 'open');
    for (const to of imports(file)) visit(to);
    state.set(file, 'done');
  };
  for (const file of files) visit(file);
  return found;
}

const folders = new Map();
for (const file of files) folders.set(dirname(file), (folders.get(dirname(file)) ?? 0) + 1);
const crowded = [...folders].filter(([folder, count]) => count > 12 && folder !== 'src/commands');
const all = [...texts.values()].map(bare);
const count = (pattern) => all.reduce((sum, text) => sum + (text.match(pattern)?.length ?? 0), 0);
const sized = [...texts.values()].flatMap(functions);

console.log(`files ${files.length}, lines ${[...texts.values()].reduce((sum, text) => sum + lines(text), 0)}`);
console.log(`file lines: ${sizes([...texts.values()].map(lines))}`);
console.log(`function lines: ${sizes(sized)}, over 40: ${sized.filter((size) => size > 40).length} of ${sized.length}`);
console.log(`folders with more than 12 files: ${crowded.map(([folder, n]) => `${folder} ${n}`).join(', ') || 'none'}`);
console.log(`import cycles: ${cycles()}`);
console.log(`casts: ${count(/ as (?!const\b)(?:\w|\{|\[|\()/g) - count(/(?:import|export)[^;]*?\w as \w[^;]*?from/g)}`);
console.log(`non-null !: ${count(/[\w\])]!(?=[.[;,)\s}])/g)}`);
