// The xrootd protocol on real servers: the conformance suite, then what only a server can do wrong.
import { afterAll } from 'vitest';
import { open } from '../../src/lib/protocols/xrootd.ts';
import { storageContract } from '../contracts/storage.ts';
import { A, freshFolder, removeFolders, rootUrl, settings } from './servers.ts';

afterAll(() => removeFolders(A));

storageContract('xrootd (root://)', { make: () => open(settings('xrootd', rootUrl(A, freshFolder(A)))) });
