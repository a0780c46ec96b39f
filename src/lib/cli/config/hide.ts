// What the settings know to be a secret is masked from here on, wherever it comes up again.
import { firstPassJobs } from '../../domain/firstpass/firstpass.ts';
import type { Settings } from '../../domain/settings.ts';
import { hide, hideAddress, hideAssigned, hidePassword, isSecretName } from '../../util/text/secrets.ts';

export function hideSecrets(settings: Settings, env: Readonly<Record<string, string | undefined>>): void {
  // The user of a database is no secret, and its options are words like `require`.
  if (/^postgres(ql)?:/.test(settings.store)) hidePassword(settings.store);
  else hideAddress(settings.store);
  for (const url of [settings.tables.source, settings.tables.detector]) if (url) hidePassword(url);
  for (const { url } of settings.storages) hideAddress(url);
  hide(env.DFLOW_COUCH_PASSWORD);
  hide(env.PGPASSWORD);
  const modules = Object.values(settings.modules).flatMap((file) => Object.values(file.modules));
  for (const variables of [...settings.farms, ...modules].map((one) => one.env)) hideVariables(variables);
  for (const { setup } of settings.farms) for (const script of Object.values(setup)) hideAssigned(script);
  const { check = '', renew = '' } = settings.credentials ?? {};
  for (const script of [check, renew, ...firstPassJobs(settings.tables).map(({ run }) => run)]) hideAssigned(script);
}

function hideVariables(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) if (isSecretName(name)) hide(value);
}
