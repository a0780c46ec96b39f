// A farm's `options`, read by the backend that they are for: each is named when it is unknown or of the wrong kind.

import { noSuch } from '../../domain/named.ts';
import type { FarmSettings } from '../../domain/settings.ts';
import { ConfigError } from '../../util/errors.ts';
import { DAY, MINUTE, notDuration, parseDuration } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';

/** Options of every batch system whose programs are called for each job. */
export interface SchedulerOptions {
  /** Milliseconds; limit of a module that has none of its own. */
  readonly time?: number;
  /** Milliseconds beyond a module's own limit, for staging and the record. */
  readonly margin: number;
  /** Milliseconds between two heartbeats of a job, on a shared folder. */
  readonly beat: number;
  /** Milliseconds that one command of the batch system may take. */
  readonly timeout: number;
  /** Milliseconds that marks, acknowledged records and logs are kept. */
  readonly keep: number;
}

export const SCHEDULER_OPTIONS = ['folder', 'scratch', 'time', 'margin', 'beat', 'timeout', 'keep'] as const;

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

  scheduler(): SchedulerOptions {
    return {
      ...given({ time: this.duration('time') }),
      margin: this.duration('margin') ?? 10 * MINUTE,
      beat: this.duration('beat') ?? MINUTE,
      timeout: this.duration('timeout') ?? MINUTE,
      keep: this.duration('keep') ?? 30 * DAY,
    };
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
