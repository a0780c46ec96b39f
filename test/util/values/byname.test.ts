// `constructor` and `__proto__` are names like any other.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { load } from '../../../src/lib/cli/config/load.ts';
import { stateColour } from '../../../src/lib/render/states.ts';
import { byName, isTaken } from '../../../src/lib/util/values/byname.ts';

const NAMES = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];

test('a map by names has what was put in, and nothing else', () => {
  for (const name of NAMES) {
    expect(byName<number>([])[name]).toBeUndefined();
    expect(byName([[name, 1]])[name]).toBe(1);
    expect(isTaken(name)).toBe(true);
    expect(stateColour(name)('x')).toBe('x');
  }
});

test.each(NAMES)('no module, storage element or output is called %s', async (name) => {
  const folder = mkdtempSync(join(tmpdir(), 'names-'));
  try {
    mkdirSync(join(folder, 'modules'));
    const config = (element: string) => `buffer: {path: ./raw, pattern: 'run{run}.dat'}\nstorage: {${element}: ./a}\n`;
    const modules = (module: string, output: string) => `modules: {${module}: {run: x, outputs: {${output}: n.txt}}}\n`;
    const found = () => load({ cwd: folder, env: {}, host: 'h' });
    for (const [element, module, output, fine] of [
      ['a', 'M', 'n', true],
      [name, 'M', 'n', false],
      ['a', name, 'n', false],
      ['a', 'M', name, false],
    ] as const) {
      writeFileSync(join(folder, 'dflow.yaml'), config(element));
      writeFileSync(join(folder, 'modules', '1.0.yaml'), modules(module, output));
      if (fine) expect((await found()).settings.modules[name]).toBeUndefined();
      else if (element === name) await expect(found()).rejects.toThrow();
      // A mistake in a module file stops only what needs its modules.
      else expect((await found()).settings.badModules.map(({ version }) => version)).toEqual(['1.0']);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
