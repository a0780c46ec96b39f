// The gfal protocol on real servers, over root:// and over HTTP: the conformance suite.
import { afterAll } from 'vitest';
import { open } from '../../src/lib/protocols/gfal/gfal.ts';
import { storageContract } from '../contracts/storage.ts';
import { A, B, freshFolder, httpUrl, removeFolders, rootUrl, settings } from './servers.ts';

afterAll(async () => {
  await removeFolders(A);
  await removeFolders(B);
});

storageContract('gfal (root://)', { make: () => open(settings('gfal', rootUrl(A, freshFolder(A)))) });
storageContract('gfal (http://)', { make: () => open(settings('gfal', httpUrl(B, freshFolder(B)))) });
