// What every store must do, whatever it is made of: stores/*.ts, and the fakes that stand in for them.
import { describe } from 'vitest';
import { documentsContract } from './store/documents.ts';
import { eachWithStore, type StoreFeatures, type StoreFixture } from './store/fixture.ts';
import { viewsContract } from './store/views.ts';
import { wholeContract } from './store/whole.ts';

export function storeContract(name: string, make: () => Promise<StoreFixture>, features: StoreFeatures = {}): void {
  describe(`store contract: ${name}`, () => {
    eachWithStore(make);
    documentsContract(features);
    viewsContract(features);
    wholeContract(features);
  });
}
