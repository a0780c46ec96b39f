// Which software version automatic passes are made with, and whether any farm has it.
import type { Settings } from '../../../../../domain/settings.ts';
import { type Check, type Finding, failed, ok, warning } from '../../check.ts';

export const check: Check = {
  name: 'versions',
  group: 'configuration',
  offline: true,
  about: [
    {
      ref: 'versions/automatic',
      looks: 'Which software version automatic passes have, and whether a farm has it.',
      means:
        'There are several versions and no `automatic.version`, no module file, or no farm with the version. No automatic job is made or submitted.',
      mends: '`automatic: {version: V}` in `dflow.yaml`; write a module file; or `farms: {NAME: {versions: [V]}}`.',
    },
  ],
  looks: ({ settings }) => [{ subject: 'automatic', look: async () => automatic(settings) }],
};

function automatic(settings: Settings): Finding {
  const { version } = settings.automatic;
  const known = [...Object.keys(settings.modules), ...settings.badModules.map((bad) => bad.version)];
  if (known.length === 0)
    return warning('no module file, so no job is ever made', `write ${settings.folder}/modules/1.0.yaml`);
  if (version === undefined) {
    const last = known.toSorted((one, other) => one.localeCompare(other, 'en', { numeric: true })).at(-1) ?? '';
    const found = `versions ${known.join(', ')} and no automatic.version: no automatic pass is made`;
    return failed(found, `automatic: {version: '${last}'} in dflow.yaml`);
  }
  const having = settings.farms.filter(({ versions }) => versions === undefined || versions.includes(version));
  if (having.length > 0) return ok(`${version}, at ${having.map(({ name }) => name).join(', ')}`);
  const [first] = settings.farms;
  return failed(`no farm has version ${version}`, `farms: {${first?.name ?? 'NAME'}: {versions: ['${version}']}}`);
}
