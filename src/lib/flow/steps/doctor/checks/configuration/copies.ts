// Copies that transfer can never make, and purge would wait for.
import { counted } from '../../../../../util/text/counted.ts';
import { type Check, failed, ok } from '../../check.ts';

export const check: Check = {
  name: 'copies',
  group: 'configuration',
  offline: true,
  about: [
    {
      ref: 'copies',
      looks: '`copies.raw` and the number of storage elements.',
      means:
        'More copies are asked for than there are storage elements. `transfer` can never make them, and `purge` waits for them for ever.',
      mends: '`copies: {raw: N}` in `dflow.yaml` with a smaller number, or more storage elements.',
    },
  ],
  looks: ({ settings }) => [
    {
      subject: 'copies',
      look: async () => {
        const { raw } = settings.copies;
        const elements = settings.storages.length;
        if (raw <= elements) return ok(`${raw} of each raw file, ${counted(elements, 'storage element')}`);
        const found = `copies.raw asks for ${counted(raw, 'copy', 'copies')}; there can only be ${elements}, one at each storage element`;
        return failed(found, `copies: {raw: ${elements}} in dflow.yaml, or add storage elements`);
      },
    },
  ],
};
