// Which hosts take the steps of the chain: those that `hosts:` of the configuration names, where it names any.
import type { Settings } from '../../domain/settings.ts';
import { UsageError } from '../../util/errors.ts';

/** @throws UsageError this host is not among those of the configuration */
export function mustBeNamed({ hosts, plan, file }: Settings, host: string, command: string): void {
  if (hosts.length === 0 || plan) return;
  const known = hosts.map(({ pattern }) => pattern).join(', ');
  throw new UsageError(`this host is '${host}', and hosts: of the configuration names only ${known}`, {
    where: file,
    hint: `dflow ${command.replace(/(?= -- |$)/, ' --here')} (runs it on this host all the same)`,
  });
}
