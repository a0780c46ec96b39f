import { join } from 'node:path';
import { expect, test } from 'vitest';
import { replaceFile } from '../../../src/lib/util/files/replace.ts';
import { withScratch } from '../../../src/lib/util/files/scratch.ts';

test('a folder that does not exist is named, with the command that makes it', async () => {
  await withScratch(async (scratch) => {
    const folder = join(scratch, 'none');
    await expect(replaceFile(join(folder, 'x.prom'), 'x', 'the file of metrics')).rejects.toMatchObject({
      message: 'the file of metrics cannot be written: its folder does not exist',
      where: folder,
      hint: `mkdir -p '${folder}'`,
    });
  });
});
