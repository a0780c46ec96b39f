// Documents with replication conflicts: nothing changes them until a person has chosen.
import { views } from '../../../../../views/index.ts';
import { type Check, failed, ok } from '../../check.ts';

export const check: Check = {
  name: 'conflicts',
  group: 'store',
  about: [
    {
      ref: 'conflicts',
      looks: 'Documents with replication conflicts.',
      means:
        'Two copies of the store were written to. dflow does not change such a document until a person has chosen.',
      mends: '`dflow store conflicts list`',
    },
  ],
  looks: ({ store }) => [
    {
      subject: 'conflicts',
      look: async () => {
        const rows = await store.view(views.standing, { prefix: ['conflict'] });
        const ids = [...new Set(rows.map(({ id }) => id))];
        if (ids.length === 0) return ok('none');
        const more = ids.length > 3 ? ` and ${ids.length - 3} more` : '';
        return failed(`frozen by conflicts: ${ids.slice(0, 3).join(', ')}${more}`, 'dflow store conflicts list');
      },
    },
  ],
};
