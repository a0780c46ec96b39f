// Replications from and to the store, as its server tells them: those that do not copy, and those that are behind.
import { isBroken, replicationText } from '../../../../../storekeeping.ts';
import { type Check, type Finding, failed, notChecked, ok, type Patient, warning } from '../../check.ts';

export const check: Check = {
  name: 'replication',
  group: 'store',
  about: [
    {
      ref: 'replication/TARGET',
      looks: 'Replications from and to this store, as the server tells them.',
      means: 'A replication does not copy, or is 10,000 changes behind. Only admins of the server see them.',
      mends:
        'Correct the login of the target, then `dflow store replicate`; look whether the other server is up; log in as an admin.',
    },
  ],
  looks: (patient) => [{ subject: 'replication', look: () => look(patient) }],
};

/** Changes that a copy lacks: more than a few minutes of work. */
const MANY = 10_000;

async function look({ opened }: Patient): Promise<readonly Finding[]> {
  const { replication } = await opened();
  if (!replication) return [];
  const all = await replication.list();
  if (!all) return [notChecked('only admins of the server see its replications', 'log in as one: dflow store info')];
  return all.map((one) => {
    const text = `from ${one.source}: ${replicationText(one)}`;
    const again = `dflow store replicate ${one.target}${one.continuous ? ' --continuous' : ''}`;
    if (isBroken(one)) return failed(text, `correct the login of the target or its server, then: ${again}`, one.target);
    if ((one.lag ?? 0) < MANY) return ok(text, one.target);
    return warning(text, `look whether the server of ${one.target} is up and fast; dflow store info`, one.target);
  });
}
