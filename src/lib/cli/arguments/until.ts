// `--for 2d` and `--until TIME` of switches: when a hold ends by itself.
import { Flags } from '@oclif/core';
import { UsageError } from '../../util/errors.ts';
import { type Iso, notDuration, parseDuration, plus } from '../../util/time.ts';
import { changing } from './flags.ts';
import { dateOf } from './selection.ts';

export const until = {
  for: Flags.string({ description: 'the hold ends after this time', helpValue: '12h', exclusive: ['until'] }),
  until: Flags.string({ description: 'the hold ends at this time', helpValue: 'TIME' }),
};

/** Flags of a switch that makes a hold: its reason is required. */
export const switching = {
  ...changing,
  ...until,
  why: Flags.string({ description: 'reason, shown with the hold', required: true, helpValue: 'TEXT' }),
};

/** The time that the flags name; `undefined` without either. @throws UsageError */
export function untilOf(
  flags: { readonly for?: string | undefined; readonly until?: string | undefined },
  now: Iso,
): Iso | undefined {
  if (flags.for === undefined) return flags.until === undefined ? undefined : dateOf(flags.until, '--until');
  return plus(now, durationOf(flags.for, '--for'));
}

/** Milliseconds that a flag says. @throws UsageError also for a bare number, which has no unit */
export function durationOf(text: string, flag: string): number {
  const time = parseDuration(text);
  if (time === undefined)
    throw new UsageError(`${flag}: ${notDuration(text)}`, { hint: `the same command with ${flag} 12h` });
  return time;
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
