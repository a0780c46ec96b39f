// Units of systemd for the loops of a host: a service each, and a target for all of them.
import type { Launch } from './launch.ts';

export interface Unit {
  /** File name. */
  readonly name: string;
  readonly text: string;
}

/** What all units of a host have in common. */
export interface UnitRules {
  readonly experiment: string;
  readonly host: string;
  readonly folder: string;
  /** Units of a user's own systemd, or the account of system units. */
  readonly user: true | string;
  /** Variables that the loops need. */
  readonly env: Readonly<Record<string, string>>;
}

/** `%` begins a specifier and `$` a variable: man systemd.unit, systemd.service (COMMAND LINES). */
function word(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%').replaceAll('$', '$$$$');
  return /^[A-Za-z0-9_./:=@%+,$-]+$/.test(escaped) ? escaped : `"${escaped}"`;
}

/** A path or a variable: specifiers are read in it, variables are not. */
function plain(text: string): string {
  return text.replaceAll('%', '%%');
}

function assignment([name, value]: [string, string]): string {
  return `Environment="${name}=${plain(value.replaceAll('\\', '\\\\').replaceAll('"', '\\"'))}"`;
}

function prefixOf({ experiment }: UnitRules): string {
  return `dflow-${experiment}`;
}

/** A loop that dies, or ends with 75 for another build, is started again; one that was stopped or switched off is not. */
function service(launch: Launch, rules: UnitRules): Unit {
  const { folder, user, env, experiment, host } = rules;
  return {
    name: `${prefixOf(rules)}-${launch.name}.service`,
    text: [
      '[Unit]',
      `Description=dflow ${plain(experiment)}: ${launch.name} on ${plain(host)}`,
      'After=network-online.target',
      `PartOf=${prefixOf(rules)}.target`,
      'StartLimitIntervalSec=0',
      '',
      '[Service]',
      'Type=exec',
      `WorkingDirectory=${plain(folder)}`,
      ...(user === true ? [] : [`User=${user}`]),
      ...Object.entries(env).map(assignment),
      `ExecStart=${launch.command.map(word).join(' ')}`,
      'Restart=on-failure',
      'RestartSec=10s',
      // The loop ends its round first; jobs of a local farm outlive it.
      'KillMode=process',
      'TimeoutStopSec=5min',
      '',
      '[Install]',
      `WantedBy=${prefixOf(rules)}.target`,
      '',
    ].join('\n'),
  };
}

/** Services of all loops that are switched on, and their target. */
export function units(launches: readonly Launch[], rules: UnitRules): Unit[] {
  const services = launches.filter(({ on }) => on).map((launch) => service(launch, rules));
  const target = {
    name: `${prefixOf(rules)}.target`,
    text: [
      '[Unit]',
      `Description=dflow ${plain(rules.experiment)}: the loops of ${plain(rules.host)}`,
      `Wants=${services.map(({ name }) => name).join(' ')}`,
      '',
      '[Install]',
      `WantedBy=${rules.user === true ? 'default.target' : 'multi-user.target'}`,
      '',
    ].join('\n'),
  };
  return [...services, target];
}
