// Whose file is this: owner, mode, group and what a link leads to.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { foreign, foreignBy, identity } from '../../../src/lib/util/files/owner.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'owner-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const me = { uid: 4711 };
test.each([
  [{ uid: 4711, gid: 1, mode: 0o100644 }, undefined],
  [{ uid: 0, gid: 0, mode: 0o100664 }, undefined],
  [{ uid: 4711, gid: 4711, mode: 0o40775 }, undefined],
  [{ uid: 4712, gid: 4711, mode: 0o100600 }, /another user/],
  [{ uid: 4711, gid: 1, mode: 0o100664 }, /group/],
  [{ uid: 4711, gid: 4711, mode: 0o100666 }, /everybody/],
  [{ uid: 0, gid: 0, mode: 0o41777 }, /everybody/],
])('%o', (facts, why) => {
  if (why) expect(foreignBy(facts, me)).toMatch(why);
  else expect(foreignBy(facts, me)).toBeUndefined();
});

test('only root believes that a file of the user who called sudo is its own', () => {
  const facts = { uid: 4711, gid: 1, mode: 0o100600 };
  expect(foreignBy(facts, { uid: 0, sudo: 4711 })).toBeUndefined();
  expect(foreignBy(facts, { uid: 0 })).toMatch(/another user/);
  if (process.geteuid?.() !== 0) expect(identity({ SUDO_UID: '4711' })).not.toHaveProperty('sudo');
});

test('the folder counts, also that of what a link leads to', () => {
  const [open, own] = [join(folder, 'open'), join(folder, 'own')];
  for (const one of [open, own]) mkdirSync(one, { mode: 0o700 });
  writeFileSync(join(open, 'f'), '');
  symlinkSync(join(open, 'f'), join(own, 'l'));
  expect(foreign(join(own, 'l'))).toBeUndefined();
  chmodSync(open, 0o777);
  expect(foreign(join(open, 'f'))).toMatchObject({ path: open, why: 'can be written by everybody' });
  expect(foreign(join(own, 'l'))).toMatchObject({ path: open });
  expect(foreign(join(own, 'missing'))).toBeUndefined();
});
