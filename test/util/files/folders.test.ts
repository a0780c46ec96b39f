// One folder or file by two names: found, so that no copy is taken for another.
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../src/lib/util/errors.ts';
import { identityOf, refuseSameFolder } from '../../../src/lib/util/files/folders.ts';

describe('two names of one folder', () => {
  let base: string;
  let a: string;
  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), 'dflow-folders-'));
    a = join(base, 'a');
    await mkdir(a);
  });
  afterEach(() => rm(base, { recursive: true, force: true }));

  test('are found by path and through links', async () => {
    const b = join(base, 'link');
    await symlink(a, b);
    const other = join(base, 'other');
    await mkdir(other);
    const named = (name: string, folder: string) => ({ name, folder });
    await expect(refuseSameFolder([named('storage sfu', a), named('storage ral', b)])).rejects.toThrow(ConfigError);
    await expect(refuseSameFolder([named('storage sfu', a), named('storage ral', `${a}/.`)])).rejects.toThrow(
      /storage sfu and storage ral are the same folder/,
    );
    await refuseSameFolder([named('storage sfu', a), named('storage ral', other)]);
    await refuseSameFolder([named('storage sfu', join(base, 'none1')), named('storage ral', join(base, 'none2'))]);
  });

  test('hard links are one file', async () => {
    await writeFile(join(a, 'f'), 'x');
    await link(join(a, 'f'), join(a, 'g'));
    await writeFile(join(a, 'h'), 'x');
    const first = await identityOf(join(a, 'f'));
    expect(first).toBeDefined();
    expect(await identityOf(join(a, 'g'))).toBe(first);
    expect(await identityOf(join(a, 'h'))).not.toBe(first);
    expect(await identityOf(join(a, 'none'))).toBeUndefined();
  });
});
