// A farm's `options`, read by the backend that they are for: each is named when it is unknown or of the wrong kind.

import { noSuch } from '../../domain/named.ts';
import type { FarmSettings } from '../../domain/settings.ts';
import { ConfigError } from '../../util/errors.ts';
import { notDuration, parseDuration } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';

export class Options {
  readonly where: string;
  readonly #given: Readonly<Record<string, unknown>>;

  /** @throws ConfigError an option that the backend does not know, with the near miss */
  constructor(farm: FarmSettings, known: readonly string[]) {
    this.where = `farms.${farm.name}`;
    this.#given = farm.options;
    for (const name of Object.keys(farm.options)) {
      if (known.includes(name)) continue;
      throw new ConfigError(noSuch('option', name, known, `backend ${farm.backend}`), { where: this.where });
    }
  }

  fail(text: string, hint?: string): never {
    throw new ConfigError(text, { where: this.where, ...given({ hint }) });
  }

  /** One line of text. */
  text(name: string): string | undefined {
    const value = this.#given[name];
    if (value === undefined) return undefined;
    if ((typeof value === 'string' || typeof value === 'number') && /^[^\n\0]+$/.test(String(value)))
      return String(value);
    return this.fail(`${name} is not a line of text: ${JSON.stringify(value)}`);
  }

  /** An absolute path. */
  folder(name: string): string | undefined {
    const value = this.text(name);
    if (value === undefined || value.startsWith('/')) return value;
    return this.fail(`${name} is not an absolute path: ${value}`);
  }

  /** Milliseconds. */
  duration(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    return parseDuration(value) ?? this.fail(`${name}: ${notDuration(value)}`, `${name}: 10m`);
  }

  /** A list of words; one word may stand alone. */
  words(name: string): readonly string[] {
    const value = this.#given[name];
    if (value === undefined) return [];
    const list: unknown[] = Array.isArray(value) ? value : [value];
    return list.map((word) =>
      typeof word === 'string' && word !== '' && !/[\n\0]/.test(word)
        ? word
        : this.fail(`${name} must be a list of words, not ${JSON.stringify(value)}`),
    );
  }
}
