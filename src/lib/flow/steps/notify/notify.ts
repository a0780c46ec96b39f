// notify: one round of telling people. Each rule claims its document, sends, and writes down what it has said; a message
// that could not be sent was not said, and the next round tries again.

import {
  claimed,
  isEmpty,
  type NotifyDoc,
  notifyId,
  type Plan,
  planOf,
  released,
  told,
} from '../../../domain/notify/memory.ts';
import { type Problem, problemOf } from '../../../domain/notify/problem.ts';
import { commandRule, type NotifyRule } from '../../../domain/notify/rule.ts';
import { tookEffect } from '../../../store.ts';
import { ConfigError, ItemError, UsageError } from '../../../util/errors.ts';
import { nearest } from '../../../util/text/near.ts';
import { minuteOfDay } from '../../../util/time.ts';
import { given } from '../../../util/values/given.ts';
import { withDryRun } from '../../dry.ts';
import { beating } from '../../farms/beat.ts';
import type { Item, Ports, Step, StepOptions } from '../../ports.ts';
import { type Detailed, type Message, subjectOf, textOf } from './message.ts';
import { isUnsent, send, sent, unsent } from './send.ts';

export interface NotifyOptions extends StepOptions {
  /** What there is to tell. */
  readonly look: (ports: Ports) => Promise<readonly Problem[]>;
  /** The end of the log of a pass. */
  readonly tail: (ports: Ports, job: string) => Promise<string>;
  /** Sends a test message by this rule, and nothing else. */
  readonly test?: string;
  /** The store was away a moment ago. */
  readonly calm?: boolean;
}

/** @throws ConfigError without a rule; UnreachableError or CredentialsError when no message could be sent at all */
export function notify(ports: Ports, options: NotifyOptions): Step {
  const { rules } = ports.settings.notify;
  if (rules.length === 0) {
    const hint = 'add to dflow.yaml: notify: {shifters: {on: [failed, silent, buffer], mail: you@example.org}}';
    throw new ConfigError('no rule says whom to tell what', { where: ports.settings.file, hint });
  }
  const { test } = options;
  if (test !== undefined) return testMessage(ports, rules, test);
  return withDryRun(ports, options, (on) => beating(on, 'notify', round(on, rules, options), options));
}

async function* testMessage(ports: Ports, rules: readonly NotifyRule[], name: string): Step {
  const chosen = rules.filter((one) => one.name === name || one.name === commandRule(name));
  if (chosen.length === 0) {
    const names = rules.map((one) => one.name);
    throw new UsageError(`no rule '${name}' in notify; the rules are ${names.join(', ')}`, {
      hint: `dflow notify --test ${nearest(name, names) ?? names[0]}`,
    });
  }
  const now = await ports.store.now();
  const text = `a test of the rule '${name}' from ${ports.by}`;
  const problem = problemOf({ key: 'test', kind: 'stuck', text, next: ['dflow status'] });
  for (const rule of chosen) {
    const refused = await send(ports, rule, { fresh: [problem], again: [], ended: [] }, now);
    yield sent(rule, 'a test message', refused);
  }
}

async function* round(ports: Ports, rules: readonly NotifyRule[], options: NotifyOptions): Step {
  const problems = await options.look(ports);
  const failed: { readonly item: Item; readonly error: unknown }[] = [];
  let others = 0;
  for (const rule of rules) {
    try {
      const item = await tell(ports, rule, problems, options);
      if (!item) continue;
      others++;
      yield item;
    } catch (error) {
      if (!isUnsent(error)) throw error;
      failed.push({ item: unsent(rule, error), error });
    }
  }
  const [first] = failed;
  if (first && others === 0 && !(first.error instanceof ItemError)) throw first.error;
  for (const { item } of failed) yield item;
}

/** What one rule does; `undefined`: it has nothing to say. */
async function tell(
  ports: Ports,
  rule: NotifyRule,
  problems: readonly Problem[],
  options: NotifyOptions,
): Promise<Item | undefined> {
  const now = await ports.store.now();
  const moment = { now, minute: minuteOfDay(now), ...given({ calm: options.calm }) };
  const nonce = ports.nonce();
  const claim = await ports.store.update<NotifyDoc, Plan>(notifyId(rule.name), (doc) => {
    const note = planOf(doc, problems, rule, moment);
    if (isEmpty(note) && (doc || note.before.length === 0)) return { skip: note.wait ?? '', note };
    const next = claimed(doc, rule, { nonce, by: ports.by, now });
    return typeof next === 'string' ? { skip: next, note } : { write: next, note };
  });
  if (!tookEffect(claim) || !claim.note)
    return claim.why ? { kind: 'notify', ref: rule.name, did: 'waiting', text: claim.why } : undefined;
  const plan = claim.note;
  const settle = (change: (doc: NotifyDoc) => NotifyDoc) =>
    ports.store.update<NotifyDoc>(notifyId(rule.name), (doc) =>
      doc?.sending?.nonce === nonce ? { write: change(doc) } : { skip: 'another notifier has taken over' },
    );
  const message = await detailed(ports, plan, options);
  const about = { experiment: ports.settings.experiment, rule: rule.name, now };
  let refused: readonly string[] = [];
  try {
    if (!ports.dry && !isEmpty(plan)) refused = await send(ports, rule, message, now);
  } catch (error) {
    await settle(released);
    throw error;
  }
  await settle((doc) => told(doc, plan, problems, now));
  if (isEmpty(plan)) return undefined;
  const item = sent(rule, subjectOf(message, about), refused, plan);
  return ports.dry ? { ...item, message: textOf(message, about) } : item;
}

/** Logs of as many problems as a person reads. */
const LOGS = 5;

async function detailed(ports: Ports, plan: Plan, { tail }: NotifyOptions): Promise<Message> {
  const fresh: Detailed[] = [];
  for (const [index, problem] of plan.fresh.entries())
    fresh.push(
      problem.job === undefined || index >= LOGS ? problem : { ...problem, log: await tail(ports, problem.job) },
    );
  return { fresh, again: plan.again, ended: plan.ended };
}
