// Views of this version of dflow: commands wait for them, and they take disk.
import { humanBytes } from '../../../../../util/text/bytes.ts';
import { views } from '../../../../../views/index.ts';
import { type Check, type Finding, ok, type Patient, warning } from '../../check.ts';

export const check: Check = {
  name: 'views',
  group: 'store',
  about: [
    {
      ref: 'views',
      looks: 'Whether the views of this version exist and are current, and how much disk they take.',
      means: 'Commands cannot ask the store, or wait for the server while it brings the views up to date.',
      mends: '`dflow store deploy`',
    },
  ],
  looks: (patient) => [{ subject: 'views', look: () => current(patient) }],
};

/** Changes that a query would wait for: more than a few seconds. */
const MANY = 10_000;

async function current(patient: Patient): Promise<Finding> {
  const index = await (await patient.opened()).keeping?.index?.();
  if (index && index.pending > MANY)
    return warning(`${index.pending} changes are not in the views; every command waits for them`, 'dflow store deploy');
  await patient.store.view(views.runs, { limit: 1 });
  return ok(index ? `current, ${humanBytes(index.bytes)}` : 'current');
}
