// A new module file from an old one: the text as it stands, comments and all, with a line that says where it is from.
// Automatic processing goes on with its version: where only one file said which, the configuration says it from now on.

import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { parseDocument } from 'yaml';
import { noSuchError } from '../../../domain/named.ts';
import type { Settings } from '../../../domain/settings.ts';
import { refuseBad } from '../../../flow/jobs/badmodules.ts';
import { messageOf, UsageError } from '../../../util/errors.ts';
import { readText } from '../yaml/read.ts';

export interface NewVersion {
  readonly path: string;
  readonly text: string;
  /** The configuration with `automatic.version`, where it must say that from now on. */
  readonly keep?: { readonly version: string; readonly file: string; readonly text: string };
}

/**
 * The file that `module new` would write.
 * @throws UsageError for an unknown old version, a new one that exists, or one that cannot be a file's name
 */
export function planVersion(settings: Settings, version: string, from: string, date: string): NewVersion {
  const old = settings.modules[from];
  if (!old) refuseBad(settings, from);
  if (!old) throw noSuchError('version', from, Object.keys(settings.modules));
  if (!/^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(version)) {
    throw new UsageError(`'${version}' is not a version name`, { hint: 'letters, digits, `.`, `_` and `-`' });
  }
  const path = join(dirname(old.path), `${version}${extname(old.path)}`);
  if (settings.modules[version] || existsSync(path)) {
    throw new UsageError(`version ${version} has a module file already`, {
      where: settings.modules[version]?.path ?? path,
    });
  }
  const keep = keeping(settings);
  return { path, text: `# ${version}: from ${from}, ${date}\n${readText(old.path)}`, ...(keep ? { keep } : {}) };
}

/** With a second module file, automatic processing would have no version unless the configuration names one. */
function keeping({ automatic, modules, file }: Settings): NewVersion['keep'] {
  const { version } = automatic;
  if (version === undefined || Object.keys(modules).length !== 1) return undefined;
  const text = readText(file);
  const document = parseDocument(text);
  if (document.hasIn(['automatic', 'version'])) return undefined;
  if (!document.has('automatic')) {
    const line = `automatic: {version: '${version}'}\n`;
    return { version, file, text: `${text.endsWith('\n') ? text : `${text}\n`}${line}` };
  }
  document.setIn(['automatic', 'version'], document.createNode(version));
  return { version, file, text: document.toString() };
}

/**
 * Writes it, the configuration first; never over a module file that has appeared meanwhile.
 * @throws UsageError when the configuration cannot be written: then nothing was
 */
export function writeVersion({ path, text, keep }: NewVersion): void {
  if (keep) replaceFile(keep.file, keep.text, keep.version);
  writeFileSync(path, text, { flag: 'wx' });
}

function replaceFile(file: string, text: string, version: string): void {
  const fresh = `${file}.new`;
  try {
    writeFileSync(fresh, text, { mode: statSync(file).mode });
    renameSync(fresh, file);
  } catch (error) {
    throw new UsageError(`automatic.version cannot be written: ${messageOf(error)}`, {
      where: file,
      hint: `write automatic: {version: '${version}'} into that file, then repeat the command`,
    });
  }
}
