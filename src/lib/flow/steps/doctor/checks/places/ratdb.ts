// The database of run tables: whether it answers, its queries fit its layout, and dflow may write.
import { type Check, ok } from '../../check.ts';

export const check: Check = {
  name: 'ratdb',
  group: 'store',
  about: [
    {
      ref: 'ratdb',
      looks: 'Whether the database of `tables.source` answers, fits `tables.queries`, and takes tables.',
      means: 'It is away, refuses the login, lacks a table or column, or its user may only read.',
      mends: 'The message names the key. A user that may only read: `tables.writeBack: false`.',
    },
  ],
  looks: ({ ratdb, settings }) =>
    ratdb
      ? [
          {
            subject: 'ratdb',
            look: async () => ok(`${ratdb.where} ${await ratdb.check(settings.tables.writeBack !== false)}`),
          },
        ]
      : [],
};
