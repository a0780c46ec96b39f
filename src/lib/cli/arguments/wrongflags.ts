// Flags that do not exist or are missing: answered with the flag that was probably meant, or with what is to be added.

import { messageOf, UsageError } from '../../util/errors.ts';
import { nearest } from '../../util/text/near.ts';
import { field } from '../../util/values/field.ts';

/** What oclif throws for an unknown or a missing flag, as a usage error; any other error as it is. */
export function wrongFlags(error: unknown): unknown {
  if (!field(error, 'oclif')) return error;
  const defined = field(field(field(error, 'parse'), 'input'), 'flags');
  const [, unknown] = /^Nonexistent flags?: (.+)$/m.exec(messageOf(error)) ?? [];
  if (unknown !== undefined) return unknownFlag(unknown.split(', ')[0] ?? unknown, Object.keys(defined ?? {}));
  const missing = [...messageOf(error).matchAll(/^\s*Missing required flag (\S+)$/gm)].flatMap(
    ([, name]) => name ?? [],
  );
  return missing.length > 0 ? missingFlags(missing, defined) : error;
}

function unknownFlag(asked: string, names: readonly string[]): UsageError {
  const [, word = ''] = /^--([^=]+)/.exec(asked) ?? [];
  const begun = names.filter((name) => word.length > 1 && name.startsWith(word));
  const near = begun.length === 1 ? begun[0] : word === '' ? undefined : nearest(word, names);
  const meant = near === undefined ? '' : `; did you mean --${near}?`;
  return new UsageError(`no flag '${asked}'${meant}`, {
    hint: `the same command with --${near ?? 'help'}`,
  });
}

function missingFlags(names: readonly string[], defined: unknown): UsageError {
  const text = names.map((name) => `the flag --${name} is required`).join('; ');
  const shown = names.map((name) => `--${name} ${field(field(defined, name), 'helpValue') ?? 'TEXT'}`);
  return new UsageError(text, { hint: `the same command with ${shown.join(' ')}` });
}
