// Sends the message of a rule, by mail or by its command, and makes the item that reports it.
import type { Plan, Told } from '../../../domain/notify/memory.ts';
import type { NotifyRule } from '../../../domain/notify/rule.ts';
import { CredentialsError, type DflowError, ItemError, UnreachableError } from '../../../util/errors.ts';
import { withoutSecrets } from '../../../util/text/secrets.ts';
import { type Iso, MINUTE } from '../../../util/time.ts';
import type { Item, ItemOf, Ports } from '../../ports.ts';
import { type Detailed, linesOf, type Message, subjectOf, textOf } from './message.ts';

/** What sending needs: no store. */
export type SendPorts = Pick<Ports, 'settings' | 'processes' | 'mail'>;

/** The item of a message that went out; `refused`: addresses that the server did not take, while it took others. */
export function sent(rule: NotifyRule, text: string, refused: readonly string[], plan?: Plan): ItemOf<'notify'> {
  const to = rule.command === undefined ? rule.mail.join(', ') : rule.command;
  const counts = plan && { fresh: plan.fresh.length, again: plan.again.length, ended: plan.ended.length };
  const item = { kind: 'notify', ref: rule.name, did: 'sent', text: `to ${to}: ${text}`, ...counts } as const;
  if (refused.length === 0) return item;
  const next = `correct mail of the rule '${rule.name}' in dflow.yaml, then: dflow notify --test ${rule.name}`;
  return {
    ...item,
    failed: true,
    text: `the mail server refuses ${refused.join('; ')}; the others got: ${text}`,
    next,
  };
}

/** Errors of sending: the next round sends again. Any other error is a defect. */
export function isUnsent(error: unknown): error is DflowError {
  return error instanceof UnreachableError || error instanceof CredentialsError || error instanceof ItemError;
}

export function unsent(rule: NotifyRule, error: DflowError): Item {
  const next = error.hint ?? `dflow notify --test ${rule.name}`;
  return { kind: 'notify', ref: rule.name, did: 'failed', failed: true, text: error.message, next };
}

/** A command that takes longer hangs. */
const LIMIT = 2 * MINUTE;

/** Returns the addresses that the server refused while it took others. @throws UnreachableError, CredentialsError, ItemError */
export async function send(ports: SendPorts, rule: NotifyRule, message: Message, now: Iso): Promise<readonly string[]> {
  const about = { experiment: ports.settings.experiment, rule: rule.name, now };
  const harmless = withoutSecretsIn(message);
  if (rule.command !== undefined) {
    await run(ports, rule, rule.command, linesOf(harmless, about));
    return [];
  }
  if (!ports.mail) throw new UnreachableError('no mail can be sent from here');
  return ports.mail({ to: rule.mail, subject: subjectOf(harmless, about), text: textOf(harmless, about) });
}

function withoutSecretsIn({ fresh, again, ended }: Message): Message {
  const one = (problem: Detailed): Detailed => ({
    ...problem,
    text: withoutSecrets(problem.text),
    next: problem.next.map(withoutSecrets),
  });
  const over = ([key, told]: readonly [string, Told]) => [key, { ...told, text: withoutSecrets(told.text) }] as const;
  return { fresh: fresh.map(one), again: again.map(one), ended: ended.map(over) };
}

/** Values go in by standard input, never into the command line, which is exactly that of the configuration. */
async function run(
  { settings, processes }: SendPorts,
  rule: NotifyRule,
  command: string,
  input: string,
): Promise<void> {
  const options = { cwd: settings.folder, input, timeout: LIMIT };
  const { failure, stderr } = await processes.shell(command, [], options);
  if (failure === undefined) return;
  const words = stderr.trim().split('\n').at(-1)?.slice(0, 200) ?? '';
  throw new UnreachableError(`rule ${rule.name}: the command failed (${failure})${words === '' ? '' : `: ${words}`}`, {
    where: settings.file,
    hint: `mend the command '${command}'; then: dflow notify --test ${rule.name}`,
  });
}
