// Whether this host is one of those that run loops, and whether it runs any.
import { planFor } from '../../../../../domain/farms/hostplan.ts';
import { type Check, type Finding, ok, type Patient, warning } from '../../check.ts';

export const check: Check = {
  name: 'hosts',
  group: 'configuration',
  offline: true,
  about: [
    {
      ref: 'hosts',
      looks: 'Whether `hosts:` names this host, and whether it has a loop that is on.',
      means: 'This host runs no step, or only with `--here`.',
      mends:
        '`hosts: {HOST: {loops: [...]}}` in `dflow.yaml`, or `on: true` for a loop. Where the host is not to work, nothing.',
    },
  ],
  looks: (patient) => [{ subject: 'hosts', look: async () => look(patient) }],
};

function look({ settings, host }: Patient): Finding {
  const { hosts } = settings;
  if (hosts.length === 0) return ok('any host may run the steps: the configuration has no `hosts:`');
  const mine = planFor(hosts, host);
  if (!mine) {
    const found = `${host} is not in \`hosts:\`: it runs no step without --here`;
    return warning(found, `hosts: {${host}: {loops: [...]}} in dflow.yaml, if this host is to work`);
  }
  const on = mine.loops.filter((loop) => loop.on).map(({ name }) => name);
  if (on.length > 0) return ok(`${host} runs ${on.join(', ')}`);
  return warning(`every loop of ${host} is switched off`, `on: true for a loop of ${mine.pattern} in dflow.yaml`);
}
