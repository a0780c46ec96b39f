// The alarm that the store cannot be used. It works without the store: each host keeps a file of what it has told. The file
// is made while all is well and later written in place, because the disk may be full by then.

import { isEmpty, type NotifyDoc, notifyId, planOf, type Told, told } from '../../../domain/notify/memory.ts';
import { type Problem, problemOf } from '../../../domain/notify/problem.ts';
import { hears, type NotifyRule } from '../../../domain/notify/rule.ts';
import { type DflowError, ReadOnlyStoreError } from '../../../util/errors.ts';
import { between, type Iso, isAhead, MINUTE, minuteOfDay } from '../../../util/time.ts';
import { field } from '../../../util/values/field.ts';
import type { Item, Ports, Step } from '../../ports.ts';
import { subjectOf, textOf } from './message.ts';
import { isUnsent, type SendPorts, send, sent, unsent } from './send.ts';

export type AwayPorts = SendPorts & Pick<Ports, 'files' | 'locks' | 'host' | 'dry'>;

/** What a host remembers by itself. Times are of its own clock. */
interface Memory {
  readonly rules: Readonly<Record<string, Pick<NotifyDoc, 'said' | 'at'>>>;
  /** Since when the store is away. */
  readonly away?: Iso;
  /** When it came back. */
  readonly back?: Iso;
}

/** Tells those who want to know that the store cannot be used (`error`), or that it is back. */
export async function* tellOfStore(ports: AwayPorts, error: DflowError | undefined, now: Iso): Step {
  const rules = ports.settings.notify.rules.filter((rule) => hears(rule, 'store'));
  if (rules.length === 0) return;
  const path = pathOf(ports);
  const memory = await remembered(ports, path);
  if (!error && memory && !isOpen(memory)) return;
  // A store that was never set up is not an alarm; a store that this host has used and that is gone may be deleted.
  if (error instanceof ReadOnlyStoreError && !memory) return;
  const lock = ports.dry ? undefined : await lockOf(ports, path);
  if (lock === 'held') return;
  try {
    let next = after(rules, (await remembered(ports, path)) ?? { rules: {} }, error, now);
    for (const rule of rules) {
      const { item, said } = await tell(ports, rule, error ? [awayProblem(ports, error)] : [], next, now);
      if (item) yield item;
      if (said) next = { ...next, rules: { ...next.rules, [rule.name]: said } };
      // A message that went out is not sent again, whatever comes next.
      if (said) await keep(ports, path, next);
    }
    await keep(ports, path, next);
  } finally {
    lock?.release();
  }
}

/** Loops rest for so long while the store is away, and have made a round by then. */
const CALM = 20 * MINUTE;

/** Whether this host saw the store come back a moment ago. */
export async function wasAway(ports: AwayPorts, now: Iso): Promise<boolean> {
  const back = (await remembered(ports, pathOf(ports)))?.back;
  return back !== undefined && !isAhead(back, now) && between(back, now) < CALM;
}

/** Whether an outage is not over yet, or its end is not told. */
function isOpen({ away, rules }: Memory): boolean {
  return away !== undefined || Object.values(rules).some(({ said }) => Object.keys(said).length > 0);
}

/** The memory after this look. Rules that are no longer in the configuration are forgotten. */
function after(of: readonly NotifyRule[], memory: Memory, error: DflowError | undefined, now: Iso): Memory {
  const rules = Object.fromEntries(
    Object.entries(memory.rules).filter(([name]) => of.some((one) => one.name === name)),
  );
  if (error) return { rules, away: memory.away ?? now };
  const back = memory.away === undefined ? memory.back : now;
  return { rules, ...(back === undefined ? {} : { back }) };
}

function awayProblem({ host }: AwayPorts, error: DflowError): Problem {
  const next = error.hint ?? `on ${host}: dflow doctor --only store`;
  const text = `the store cannot be used from ${host}: ${error.message}`.slice(0, LONGEST);
  return problemOf({ key: 'store', kind: 'store', text, next: [next] });
}

/** Characters of a text that is remembered. */
const LONGEST = 300;

interface Answer {
  readonly item?: Item;
  readonly said?: Pick<NotifyDoc, 'said' | 'at'>;
}

async function tell(
  ports: AwayPorts,
  rule: NotifyRule,
  problems: readonly Problem[],
  { rules, away }: Memory,
  now: Iso,
): Promise<Answer> {
  const before = { said: {}, ...rules[rule.name] };
  const doc: NotifyDoc = { _id: notifyId(rule.name), kind: 'notify', v: 1, rule: rule.name, ...before };
  const plan = planOf(doc, problems, rule, { now, minute: minuteOfDay(now) });
  if (isEmpty(plan)) {
    const { wait } = plan;
    return wait === undefined ? {} : { item: { kind: 'notify', ref: rule.name, did: 'waiting', text: wait } };
  }
  const since = away === undefined ? {} : { since: away };
  const message = { ...plan, fresh: plan.fresh.map((one) => ({ ...one, ...since })) };
  const about = { experiment: ports.settings.experiment, rule: rule.name, now };
  try {
    if (ports.dry) {
      const item = sent(rule, subjectOf(message, about), [], plan);
      return { item: { ...item, message: textOf(message, about) } };
    }
    const refused = await send(ports, rule, message, now);
    const { said, at = now } = told(doc, plan, problems, now);
    return { item: sent(rule, subjectOf(message, about), refused, plan), said: { said: dated(said, since), at } };
  } catch (error) {
    if (isUnsent(error)) return { item: unsent(rule, error) };
    throw error;
  }
}

/** The end is told with how long it lasted, also when the beginning could not be told at once. */
function dated(said: NotifyDoc['said'], since: Partial<Pick<Told, 'since'>>): NotifyDoc['said'] {
  return Object.fromEntries(Object.entries(said).map(([key, one]) => [key, { ...one, ...since }]));
}

/** Hosts may share the folder. */
const pathOf = ({ settings, host }: AwayPorts): string => `${settings.folder}/.dflow/notify/${host}.json`;

/** `held`: another notifier of this host has the lock. An error of the lock itself does not stop the alarm. */
async function lockOf({ locks }: AwayPorts, path: string) {
  try {
    return (await locks.take(`${path}.lock`)) ?? 'held';
  } catch {
    return undefined;
  }
}

/** The file is padded to whole disk blocks of this many bytes. */
const BLOCK = 4096;
/** No file of ours is longer. */
const LIMIT = 256 * BLOCK;

/** `undefined` without a readable file. Everything is then told again: silence would be worse. */
async function remembered({ files }: AwayPorts, path: string): Promise<Memory | undefined> {
  try {
    const found: unknown = JSON.parse((await files.read(path, LIMIT)).toString('utf8'));
    return isMemory(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

function isMemory(found: unknown): found is Memory {
  const [rules, away, back] = [field(found, 'rules'), field(found, 'away'), field(found, 'back')];
  if (typeof rules !== 'object' || rules === null) return false;
  const isTime = (at: unknown): boolean =>
    at === undefined || (typeof at === 'string' && !Number.isNaN(Date.parse(at)));
  const isSaid = (said: unknown): boolean => typeof said === 'object' && said !== null;
  return isTime(away) && isTime(back) && Object.values(rules).every((one) => isSaid(field(one, 'said')));
}

/** In place where the file has room for it. What cannot be written is told again in the next round. */
async function keep(ports: AwayPorts, path: string, memory: Memory): Promise<void> {
  if (ports.dry) return;
  const text = JSON.stringify(memory);
  const bytes = Buffer.byteLength(text) + 1;
  const padded = `${text}${' '.repeat(Math.ceil(bytes / BLOCK) * BLOCK - bytes)}\n`;
  const has = await ports.files.read(path, LIMIT).then(
    ({ length }) => length,
    () => 0,
  );
  const write = has === Buffer.byteLength(padded) ? ports.files.overwrite : ports.files.replace;
  await write(path, padded).catch(() => undefined);
}
