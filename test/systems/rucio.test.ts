// The catalogue contract on a real Rucio server.
import { afterAll, beforeAll } from 'vitest';
import { catalogueContract } from '../contracts/catalogue.ts';
import { FNAL, PREFIX, Rucio } from './rucio-world.ts';

let server: Rucio;
beforeAll(async () => {
  server = await Rucio.start();
}, 300_000);
afterAll(() => server?.remove());

catalogueContract('rucio', async () => ({
  scope: 'snoplus',
  places: ['SFU', 'FNAL'] as const,
  prefix: PREFIX,
  otherPrefix: FNAL,
  open: () => server.catalogue(),
  openWrong: () => server.catalogue({}, 'wrong-password'),
}));
