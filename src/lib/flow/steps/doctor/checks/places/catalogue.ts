// The catalogue of the collaboration: whether the login works, and whether scopes and RSEs are there.
import { scopeOf } from '../../../../../domain/catalogue/decide.ts';
import { DflowError } from '../../../../../util/errors.ts';
import { type Check, type Finding, failed, ok, type Patient } from '../../check.ts';

export const check: Check = {
  name: 'catalogue',
  group: 'catalogue',
  about: [
    {
      ref: 'catalogue/NAME',
      looks:
        'The login at the catalogue (Rucio), the scope of `catalogue.scope`, and each RSE of `catalogue.rses`: whether it takes physical names, and whether the account has a quota there.',
      means: 'The server is away, refuses the login, or a scope or an RSE is missing: nothing is registered there.',
      mends: 'What the check prints: correct `catalogue` in dflow.yaml, or ask an administrator of Rucio.',
    },
  ],
  looks: (patient) =>
    patient.settings.catalogue ? [{ subject: patient.settings.catalogue.kind, look: () => look(patient) }] : [],
};

async function look(patient: Patient): Promise<Finding | readonly Finding[]> {
  const { catalogue: settings, experiment, buffers } = patient.settings;
  if (!settings || !patient.catalogue) return [];
  const scopes = [...new Set(buffers.map(({ level }) => scopeOf(settings.scope, experiment, level)))];
  const places = Object.values(settings.places).map(({ name }) => name);
  try {
    const catalogue = await patient.catalogue();
    const found: Finding[] = [];
    for await (const { subject, ok: fine, text, next = '' } of catalogue.probe(scopes, places))
      found.push(fine ? ok(text, subject) : failed(text, next, subject));
    return found;
  } catch (error) {
    if (!(error instanceof DflowError)) throw error;
    return failed(error.message, error.hint ?? `curl -sS ${settings.url}/ping`);
  }
}
