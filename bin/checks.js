// Writes src/lib/flow/steps/doctor/checks.ts: the list of doctor's checks, from the files below its folder checks/.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = 'src/lib/flow/steps/doctor';
export const CHECK_LIST = `${FOLDER}/checks.ts`;

/** The text of the list. */
export function checkList(root) {
  const files = readdirSync(join(root, FOLDER, 'checks'), { recursive: true })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => path.replaceAll('\\', '/'))
    .sort();
  const names = files.map((path) => path.slice(path.lastIndexOf('/') + 1, -'.ts'.length));
  const imports = files.map((path, at) => `import { check as ${names[at]} } from './checks/${path}';`);
  return `// Written by bin/checks.js at each build, from the files below checks/: do not edit.
// biome-ignore-all format: generated.
import type { Check } from './check.ts';
${imports.join('\n')}

export const CHECKS: readonly Check[] = [
${names.map((name) => `  ${name},`).join('\n')}
];
`;
}

/** Writes the list where it differs. */
export function writeCheckList(root) {
  const text = checkList(root);
  const file = join(root, CHECK_LIST);
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text);
}
