// The Python programs load nothing from the working folder, which may be anybody's.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { DRIVER, READER } from '../../src/lib/protocols/gfal/driver.ts';

const xrootd = readFileSync(resolve(import.meta.dirname, '../../src/lib/protocols/xrootd/driver.py'), 'utf8');

test.each([
  ['gfal2', DRIVER],
  ['the reader of gfal2', READER],
  ['xrootd', xrootd],
])('%s', (_name, program) => {
  const folder = mkdtempSync(join(tmpdir(), 'python-'));
  for (const name of ['json', 'os', 'gfal2', 'zlib', 'XRootD'])
    writeFileSync(join(folder, `${name}.py`), `open(${JSON.stringify(join(folder, 'owned'))}, 'a').write('x')\n`);
  try {
    execFileSync('python3', ['-c', program, '0', '0'], { cwd: folder, stdio: 'ignore', input: '' });
  } catch {
    // Without the library it ends with 1.
  }
  expect(() => readFileSync(join(folder, 'owned'))).toThrow(/ENOENT/);
  rmSync(folder, { recursive: true });
});
