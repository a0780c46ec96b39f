// An error in dflow's own folder names what mends it: room where the disk is full, else owner and mode.
import { expect, test } from 'vitest';
import { writing } from '../../../src/lib/util/files/ownfolder.ts';
import { SqlError } from '../../../src/lib/util/sqlite.ts';

const fails = (code: string): Error => Object.assign(new Error('it failed'), { code });

test.each([
  ['a full disk', fails('ENOSPC'), 'df -h /data/.dflow'],
  ['a quota', fails('EDQUOT'), 'df -h /data/.dflow'],
  ['a full disk, told by SQLite', new SqlError('database or disk is full', 'FULL', undefined), 'df -h /data/.dflow'],
  ['a folder of others', fails('EACCES'), 'ls -ld /data/.dflow'],
])('%s', async (_what, error, hint) => {
  await expect(writing('/data/.dflow', () => Promise.reject(error))).rejects.toMatchObject({
    exit: 5,
    where: '/data/.dflow',
    hint: expect.stringContaining(hint),
  });
});

test('a defect stays one', async () => {
  await expect(writing('/data/.dflow', () => Promise.reject(new Error('oops')))).rejects.toThrow('oops');
});
