// `--for 2d` and `--until TIME` of switches: when a hold ends by itself.
import { Flags } from '@oclif/core';
import { UsageError } from '../../util/errors.ts';
import { type Iso, parseDuration, plus } from '../../util/time.ts';
import { dateOf } from './selection.ts';

export const until = {
  for: Flags.string({ description: 'the hold ends after this time', helpValue: '12h', exclusive: ['until'] }),
  until: Flags.string({ description: 'the hold ends at this time', helpValue: 'TIME' }),
};

/** The time that the flags name; `undefined` without either. @throws UsageError */
export function untilOf(
  flags: { readonly for?: string | undefined; readonly until?: string | undefined },
  now: Iso,
): Iso | undefined {
  if (flags.for === undefined) return flags.until === undefined ? undefined : dateOf(flags.until, '--until');
  const time = parseDuration(flags.for);
  if (time === undefined)
    throw new UsageError(`--for: '${flags.for}' is not a duration (examples: 90s, 30m, 12h, 2d)`, {
      hint: 'the same command with --for 12h',
    });
  return plus(now, time);
}

/** The same for a switch that must end by itself. */
export function mustEnd(flags: Parameters<typeof untilOf>[0], now: Iso): Iso {
  const end = untilOf(flags, now);
  if (end === undefined)
    throw new UsageError('an end is required: --for 12h or --until 2026-07-14', {
      hint: 'the same command with --for 12h',
    });
  return end;
}
