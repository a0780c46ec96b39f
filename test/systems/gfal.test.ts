// The gfal protocol on real servers, over root:// and over HTTP: the conformance suite.
import { afterAll, beforeEach } from 'vitest';
import { open } from '../../src/lib/protocols/gfal/gfal.ts';
import { storageContract } from '../contracts/storage.ts';
import { A, B, freshFolder, httpUrl, removeFolders, rootUrl, settings, up } from './servers.ts';

// A server of this age may crash under http; another try must not meet a dead one. What is up stays up.
beforeEach(() => {
  for (const server of [A, B]) up(server);
});
afterAll(async () => {
  await removeFolders(A);
  await removeFolders(B);
});

storageContract('gfal (root://)', { make: () => open(settings('gfal', rootUrl(A, freshFolder(A)))) });
storageContract('gfal (http://)', { make: () => open(settings('gfal', httpUrl(B, freshFolder(B)))) });
