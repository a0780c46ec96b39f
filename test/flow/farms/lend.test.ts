// What a job is lent: an address for each file that it reads and each output that it may write or remove, and no more.
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { lend } from '../../../src/lib/flow/farms/lend.ts';
import type { Errand, Storage } from '../../../src/lib/storage.ts';
import { renderSpec, type StageIn } from '../../../src/lib/wrapper/spec.ts';
import { simpleSpec } from '../../contracts/backend.ts';

const asked: Errand[] = [];
const worker: Storage['worker'] = {
  script: 'fetch() { :; }',
  url: (path) => `https://se/b/${path}`,
  lend: async (errands) => {
    asked.push(...errands);
    return errands.map(({ method, address }) => `${address}?for=${method}&it's=signed`);
  },
};
const lending = { worker } as unknown as Storage;
const plain = { worker: { script: '', url: worker.url } } as unknown as Storage;

const input = (name: string, source: string, copy = true): StageIn => ({
  name,
  source,
  copy,
  protocol: 's3',
  storage: 'cloud',
});

const spec = simpleSpec('k.0', 'true', '/tmp', {
  inputs: [
    input('a b', 'https://se/b/a%20b'),
    input('streamed', 'https://se/b/streamed', false),
    input('mounted', '/disk/mounted'),
  ],
  outputs: [{ type: 'out', name: 'out.txt' }],
  destinations: [
    { storage: 'cloud', protocol: 's3', folder: 'https://se/b/out', path: 'out' },
    { storage: 'disk', protocol: 'posix', folder: '/disk/out', path: 'out' },
  ],
  protocols: { s3: worker.script },
});

test('for its own files only, and the job finds them', async () => {
  asked.length = 0;
  const made = await lend(new Map([['cloud', lending]]), spec);
  expect(asked.map(({ method, address }) => `${method} ${address}`)).toEqual([
    'GET https://se/b/a%20b',
    'PUT https://se/b/out/k.0/out.txt',
    'DELETE https://se/b/out/k.0/out.txt',
  ]);
  const find = (words: string): string => {
    const text = `${renderSpec(made)}\nfind_lent ${words} && printf %s "$lent"`;
    return execFileSync('sh', ['-c', text], { encoding: 'utf8' });
  };
  expect(find('GET https://se/b/a%20b')).toBe("https://se/b/a%20b?for=GET&it's=signed");
  expect(() => find('DELETE https://se/b/a%20b')).toThrow();
});

test('elements whose jobs have credentials lend nothing', async () => {
  expect(await lend(new Map([['cloud', plain]]), spec)).toBe(spec);
  expect(await lend(new Map(), spec)).toBe(spec);
});
