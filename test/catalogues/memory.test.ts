// The catalogue that tests of flow use keeps the contract that Rucio keeps.
import { catalogueContract } from '../contracts/catalogue.ts';
import { MemoryCatalogue } from '../support/memory-catalogue.ts';

const PLACES = { A: 'root://a.example.org:1094//x', B: 'root://b.example.org:1094//x' };

function open(wrong = false): MemoryCatalogue {
  const made = new MemoryCatalogue({ scopes: ['test'], places: PLACES });
  made.wrong = wrong;
  return made;
}

catalogueContract('memory', async () => ({
  scope: 'test',
  places: ['A', 'B'] as const,
  prefix: PLACES.A,
  otherPrefix: PLACES.B,
  open: async () => open(),
  openWrong: async () => open(true),
}));
