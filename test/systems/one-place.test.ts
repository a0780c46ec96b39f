// One place under two addresses on real mounts: bindfs gives a file another device and another number, and remembers names.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Apart } from '../../src/lib/flow/copies/apart.ts';
import { Removal } from '../../src/lib/flow/copies/removal/removal.ts';
import { Sites } from '../../src/lib/flow/copies/sites.ts';
import { newReceipt } from '../../src/lib/util/files/receipt.ts';
import { makePorts, T0, type TestPorts } from '../support/ports.ts';

let ports: TestPorts;
let sfu: string;
let fnal: string;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dflow-one-'));
  ports = await makePorts({ storages: ['sfu', 'fnal'] });
  await rm(folder, { recursive: true });
  sfu = join(ports.folder, 'se', 'sfu');
  fnal = join(ports.folder, 'se', 'fnal');
  mkdirSync(join(sfu, 'L1'));
  execFileSync('bindfs', [sfu, fnal]);
});
afterAll(async () => {
  execFileSync('umount', [fnal]);
  await ports.remove();
});

test('a probe tells that a mount of an element is that element', async () => {
  writeFileSync(join(sfu, 'L1', 'a.dat'), 'a');
  const apart = new Apart(new Sites(ports), { nonce: 'n0', probes: true });
  const why = await apart.why({ site: 'fnal', path: 'L1/a.dat' }, { site: 'sfu', path: 'L1/a.dat' });
  expect(why).toMatch(/fnal and sfu are one place/);
  expect(readdirSync(join(sfu, 'L1'))).toEqual(['a.dat']);
});

test('without a probe: what was just read through the mount is missed when it is renamed away, and comes back', async () => {
  const text = 'the only copy';
  writeFileSync(join(sfu, 'L1', 'b.dat'), text);
  // The mount remembers the name from now on.
  expect(readFileSync(join(fnal, 'L1', 'b.dat'), 'utf8')).toBe(text);
  const receipt = newReceipt(ports.folder, 'test', T0, 'n1');
  const removal = new Removal(new Sites(ports), receipt, 'n1');
  for (const [site, other] of [
    ['sfu', 'fnal'],
    ['fnal', 'sfu'],
  ] as const) {
    const stay = [{ site: other, path: 'L1/b.dat', size: text.length, same: true }];
    const going = { site, path: 'L1/b.dat', stay, line: { kind: 'test' } };
    await removal.announce([going]);
    expect(await removal.remove([going])).toMatchObject([{ gone: false, why: expect.stringContaining('one place') }]);
    expect(readFileSync(join(sfu, 'L1', 'b.dat'), 'utf8')).toBe(text);
  }
  await receipt.close();
});
