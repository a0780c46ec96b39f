// Module files that cannot be used, as the steps that need them say: each time, until somebody has corrected them.
import { badOf, correction } from '../../domain/modules/badmodules.ts';
import type { Settings } from '../../domain/settings.ts';
import { UsageError } from '../../util/errors.ts';
import type { Item, Ports } from '../ports.ts';

/** One failed item for each. */
export function badModules({ settings }: Pick<Ports, 'settings'>): Item[] {
  return settings.badModules.map((file) => ({
    kind: 'module',
    ref: `modules ${file.version}`,
    did: 'skipped',
    failed: true,
    text: file.text,
    next: correction(file),
  }));
}

/** @throws UsageError when the module file of a version that a person names cannot be used */
export function refuseBad(settings: Pick<Settings, 'badModules'>, version: string | undefined): void {
  const bad = badOf(settings, version);
  if (bad) throw new UsageError(bad.text, { where: bad.path, hint: correction(bad) });
}
