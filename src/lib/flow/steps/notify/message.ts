// The message: its subject, its text for a mail, and the same as JSON lines for a command.
import type { Told } from '../../../domain/notify/memory.ts';
import type { Problem } from '../../../domain/notify/problem.ts';
import { oneLine } from '../../../util/text/terminal.ts';
import { between, humanDuration, type Iso } from '../../../util/time.ts';

/** A problem with the end of its log. */
export type Detailed = Problem & { readonly log?: string };

export interface Message {
  readonly fresh: readonly Detailed[];
  readonly again: readonly Detailed[];
  readonly ended: readonly (readonly [string, Told])[];
}

export interface About {
  readonly experiment: string;
  readonly rule: string;
  readonly now: Iso;
}

/** `[snoplus] time-limit in Analysis40: 300 subjobs failed (and 2 more)` */
export function subjectOf({ fresh, again, ended }: Message, { experiment }: About): string {
  const problems = [...fresh, ...again];
  const first = problems[0]?.text ?? `ended: ${ended[0]?.[1].text ?? ''}`;
  const more = Math.max(0, problems.length + (problems.length === 0 ? ended.length : 0) - 1);
  const text = first.length > 120 ? `${first.slice(0, 117)}...` : first;
  return oneLine(`[${experiment}] ${text}${more > 0 ? ` (and ${more} more)` : ''}`);
}

export function textOf(message: Message, { experiment, rule, now }: About): string {
  const { fresh, again, ended } = message;
  return [
    ...fresh.map((one) => section(one)),
    ...again.map((one) => section(one, 'STILL: ')),
    ...ended.map(([, { text, since }]) => `ENDED after ${humanDuration(between(since, now))}: ${oneLine(text)}`),
    `--\ndflow of ${experiment}, rule '${rule}', ${now}. A problem that lasts is told again; its end is told once.`,
  ].join('\n\n');
}

function section({ text, since, refs, next, log }: Detailed, lead = ''): string {
  return [
    `${lead}${oneLine(text)}`,
    ...(since === undefined ? [] : [`since ${since}`]),
    ...(refs.length === 0 ? [] : [`such as ${refs.join(', ')}`]),
    ...(log === undefined ? [] : [log]),
    ...next.map((command) => `Next: ${oneLine(command)}`),
  ].join('\n');
}

/** One JSON object a line: `what` is `new`, `again` or `ended`. */
export function linesOf({ fresh, again, ended }: Message, { experiment, rule, now }: About): string {
  const about = { experiment, rule, at: now };
  const line = (what: string, { kind, key, text, count, since, refs, next, log }: Detailed): string =>
    JSON.stringify({ what, trouble: kind, key, text, count, since, refs, next, log, ...about });
  const over = ended.map(([key, { kind, text, since }]) =>
    JSON.stringify({ what: 'ended', trouble: kind, key, text, since, ...about }),
  );
  return `${[...fresh.map((one) => line('new', one)), ...again.map((one) => line('again', one)), ...over].join('\n')}\n`;
}
