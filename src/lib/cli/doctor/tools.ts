// Programs that a configuration needs on this host: those of its batch systems, protocols and credentials.
import type { Settings } from '../../domain/settings.ts';
import type { Tool } from '../../flow/steps/doctor/check.ts';
import type { AdapterTool } from '../adapter.ts';
import { BACKENDS, PROTOCOLS } from '../adapters.ts';

/** Each program once, with everything that needs it. */
export function toolsOf(settings: Settings): Tool[] {
  const found = new Map<string, Tool>();
  const add = (tool: Omit<Tool, 'users'>, user: string): void => {
    found.set(tool.program, { ...tool, users: [...(found.get(tool.program)?.users ?? []), user] });
  };
  for (const { name, backend, options } of settings.farms) {
    const own = Object.hasOwn(BACKENDS, backend) ? BACKENDS[backend]?.tools : undefined;
    for (const tool of own ?? []) add(named(tool, options), `farm ${name}`);
  }
  for (const { name, protocol } of settings.storages) {
    const own = Object.hasOwn(PROTOCOLS, protocol) ? PROTOCOLS[protocol]?.tools : undefined;
    for (const tool of own ?? []) add(tool, `storage ${name}`);
  }
  return [...found.values()];
}

/** An option of the farm may name another program. */
function named({ option, ...tool }: AdapterTool, options: Readonly<Record<string, unknown>>): Omit<Tool, 'users'> {
  const program = option === undefined ? undefined : options[option];
  return typeof program === 'string' ? { ...tool, program } : tool;
}

/** Names of storage elements whose addresses are of X.509. */
export function x509Of({ storages }: Settings): string[] {
  const found = storages.filter(({ protocol, url }) => {
    const own = Object.hasOwn(PROTOCOLS, protocol) ? PROTOCOLS[protocol]?.x509 : undefined;
    return own?.some((scheme) => url.startsWith(`${scheme}:`));
  });
  return found.map(({ name }) => name);
}
