// A new module file from an old one: the text as it stands, comments and all, with a line that says where it is from.
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import type { Settings } from '../../domain/settings.ts';
import { UsageError } from '../../util/errors.ts';
import { suggestion } from '../../util/near.ts';
import { readText } from './modules.ts';

export interface NewVersion {
  readonly path: string;
  readonly text: string;
}

/**
 * The file that `module new` would write.
 * @throws UsageError for an unknown old version, a new one that exists, or one that cannot be a file's name
 */
export function planVersion(settings: Settings, version: string, from: string, date: string): NewVersion {
  const old = settings.modules[from];
  if (!old) {
    throw new UsageError(`version ${from} has no module file`, {
      hint: suggestion(from, Object.keys(settings.modules)),
    });
  }
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(version)) {
    throw new UsageError(`${version} cannot be a version`, { hint: 'letters, digits, `.`, `_` and `-`' });
  }
  const path = join(dirname(old.path), `${version}${extname(old.path)}`);
  if (settings.modules[version] || existsSync(path)) {
    throw new UsageError(`version ${version} has a module file already`, {
      where: settings.modules[version]?.path ?? path,
    });
  }
  return { path, text: `# ${version}: from ${from}, ${date}\n${readText(old.path)}` };
}

/** Writes it; never over a file that has appeared meanwhile. */
export function writeVersion(plan: NewVersion): void {
  writeFileSync(plan.path, plan.text, { flag: 'wx' });
}
