// Views of this version of dflow: commands wait for them, and they take disk.
import { UsageError } from '../../../../../util/errors.ts';
import { humanBytes } from '../../../../../util/text/bytes.ts';
import { views } from '../../../../../views/index.ts';
import { type Check, type Finding, failed, ok, type Patient, warning } from '../../check.ts';

export const check: Check = {
  name: 'views',
  group: 'store',
  looks: (patient) => [{ subject: 'views', look: () => current(patient) }],
};

/** Changes that a query would wait for: more than a few seconds. */
const MANY = 10_000;

async function current(patient: Patient): Promise<Finding> {
  try {
    const index = await (await patient.opened()).keeping?.index?.();
    if (index && index.pending > MANY)
      return warning(
        `${index.pending} changes are not in the views; every command waits for them`,
        'dflow store deploy',
      );
    await patient.store.view(views.runs, { limit: 1 });
    return ok(index ? `current, ${humanBytes(index.bytes)}` : 'current');
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return failed(error.message, 'dflow store deploy');
  }
}
