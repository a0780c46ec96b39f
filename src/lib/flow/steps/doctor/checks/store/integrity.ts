// Damage of the store's file, and an older content than it once had: the store looks at all that it holds.
import { MINUTE } from '../../../../../util/time.ts';
import { type Check, failed, ok } from '../../check.ts';

export const check: Check = {
  name: 'integrity',
  group: 'store',
  about: [
    {
      ref: 'integrity',
      looks: 'The whole file of a SQLite store. It may take two minutes.',
      means: 'The file is damaged, or has an older content than it once had.',
      mends: 'The finding names the command: `dflow store restore`, or `dflow store rescue`.',
    },
  ],
  looks: ({ opened }) => [
    {
      subject: 'integrity',
      // It reads every page of a file that may have many gigabytes.
      limit: 2 * MINUTE,
      look: async () => {
        const store = await opened();
        if (!store.check) return ok('kept by the server of the store itself');
        const faults = await store.check();
        return faults.length === 0
          ? ok('every page was read, nothing is damaged')
          : faults.map(({ text, next }) => failed(text, next));
      },
    },
  ],
};
