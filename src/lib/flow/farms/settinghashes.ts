// What of the settings must be the same on every host, as short hashes by key: hosts tell them with their signs of life,
// so that somebody can see which keys differ. No setting can be read from its hash.
import { createHash } from 'node:crypto';
import type { Settings } from '../../domain/settings.ts';
import { withoutSecrets } from '../../util/text/secrets.ts';

/** Keys of the configuration that every host must have alike. */
const KEYS: readonly (keyof Settings)[] = [
  ...(['experiment', 'storages', 'copies', 'runs', 'tables', 'transfer', 'purge', 'verify', 'breaker'] as const),
  ...(['outputs', 'siteFault', 'farms', 'routing', 'automatic', 'modules', 'policy', 'limits'] as const),
];

export type SettingHashes = Readonly<Record<string, string>>;

/** Paths below the configuration's folder count as relative, and what a host is only by default counts as alike. */
export function settingHashes(settings: Settings, host: string): SettingHashes {
  const farms = settings.farms.map((farm) => ({
    ...farm,
    ...(farm.name === host ? { name: '' } : {}),
    ...(farm.backend === 'local' ? { slots: 0 } : {}),
  }));
  const common = { ...settings, farms };
  const hash = (value: unknown): string => {
    const text = withoutSecrets(JSON.stringify(value) ?? '').replaceAll(settings.folder, '.');
    return createHash('sha256').update(text).digest('hex').slice(0, 8);
  };
  return Object.fromEntries(KEYS.map((key) => [key, hash(common[key])]));
}
