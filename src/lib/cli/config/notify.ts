// Rules of `notify:` and the mail server: from what the configuration says to what the program reads, and what is wrong.
import { resolve } from 'node:path';
import { TROUBLES, type Trouble } from '../../domain/notify/problem.ts';
import { commandRule, type NotifyRule, parseQuiet } from '../../domain/notify/rule.ts';
import { parseRuns, unionRuns } from '../../domain/selection.ts';
import type { SmtpSettings } from '../../domain/settings.ts';
import { DAY, MINUTE, SECOND } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import type { Finding } from './findings/finding.ts';
import type { RawConfig } from './yaml/schema.ts';

/** Kinds that are told in quiet hours, too: a full buffer stops data taking, and without the store nothing moves. */
const URGENT: readonly Trouble[] = ['buffer', 'credentials', 'store'];
const NOTIFY = { every: 15 * MINUTE, repeat: DAY } as const;

export function notifyRules(raw: RawConfig): NotifyRule[] {
  return Object.entries(raw.notify ?? {}).flatMap(([name, said]): NotifyRule[] => {
    const { on, runs, modules, farms, mail, command, quiet, urgent, every, repeat, days } = said;
    const ranges = runs?.flatMap((one) => parseRuns(one) ?? []);
    const rule = {
      name,
      on: on.includes('all') ? [...TROUBLES] : on.filter((word): word is Trouble => word !== 'all'),
      urgent: urgent ?? URGENT,
      every: every ?? NOTIFY.every,
      repeat: repeat ?? NOTIFY.repeat,
      ...given({
        runs: ranges && unionRuns(ranges).ranges,
        modules,
        farms,
        days,
        quiet: quiet === undefined ? undefined : parseQuiet(quiet),
      }),
    };
    return [
      ...(mail === undefined ? [] : [{ ...rule, mail }]),
      ...(command === undefined ? [] : [{ ...rule, mail: [], command, name: mail ? commandRule(name) : name }]),
    ];
  });
}

const PORTS = { tls: 465, starttls: 587, none: 25 } as const;

export function smtpOf({ smtp }: RawConfig, folder: string): { smtp?: SmtpSettings } {
  if (!smtp) return {};
  const { host, port, from, user, passwordCommand, ca, tls, timeout } = smtp;
  return {
    smtp: {
      host,
      port: port ?? (tls ? PORTS[tls] : 25),
      timeout: timeout ?? 20 * SECOND,
      ...given({ from, user, passwordCommand, tls: tls ?? (port === 465 ? 'tls' : undefined) }),
      ...given({ ca: ca === undefined ? undefined : resolve(folder, ca) }),
    },
  };
}

export function notifyFindings(raw: RawConfig): Finding[] {
  return Object.entries(raw.notify ?? {}).flatMap(([name, { mail, command, quiet }]): Finding[] => {
    const path = ['notify', name];
    return [
      ...(mail === undefined && command === undefined
        ? [
            {
              path,
              message: `notify.${name} says neither mail nor command`,
              hint: 'mail: you@example.org, or command: ./page.sh',
            },
          ]
        : []),
      ...(mail !== undefined && !raw.smtp
        ? [
            {
              path: [...path, 'mail'],
              message: 'no mail server is configured',
              hint: 'add to dflow.yaml: smtp: {host: localhost}',
            },
          ]
        : []),
      ...(quiet !== undefined && !parseQuiet(quiet)
        ? [{ path: [...path, 'quiet'], message: `'${quiet}' is not a span of hours`, hint: 'quiet: 22:00-07:00' }]
        : []),
    ];
  });
}
