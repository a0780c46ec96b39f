// What a request names must exist: its version, its modules, the request that it waits for.
import { requestId } from '../../../domain/ids.ts';
import type { RequestDoc } from '../../../domain/jobs/request.ts';
import type { ModuleFile } from '../../../domain/modules/modules.ts';
import { noSuchError } from '../../../domain/named.ts';
import { idsWith } from '../../../store.ts';
import { refuseBad } from '../../jobs/badmodules.ts';
import type { Ports } from '../../ports.ts';

/** The module file of a version. Throws UsageError with the near miss. */
export function moduleFile(ports: Ports, version: string): ModuleFile {
  const file = ports.settings.modules[version];
  if (file) return file;
  refuseBad(ports.settings, version);
  throw noSuchError('version', version, Object.keys(ports.settings.modules));
}

/** The modules asked for; with `--prerequisite new` also all that they need. */
export function withPrerequisites(
  file: ModuleFile,
  options: { readonly modules: readonly string[]; readonly prerequisite?: string },
): string[] {
  const asked = new Set<string>();
  const ask = (name: string): void => {
    const module = file.modules[name];
    if (!module) {
      const detail = { in: `version ${file.version}`, where: file.path };
      throw noSuchError('module', name, Object.keys(file.modules), detail);
    }
    if (asked.has(name)) return;
    asked.add(name);
    if (options.prerequisite === 'new') module.needs.forEach(ask);
  };
  options.modules.forEach(ask);
  return Object.keys(file.modules).filter((name) => asked.has(name));
}

export async function assertAfter(ports: Ports, after: string | undefined): Promise<void> {
  if (after === undefined) return;
  if ((await ports.store.get([requestId(after)])).has(requestId(after))) return;
  const names = (await ports.store.range<RequestDoc>(idsWith('request:'))).map((request) => request.name);
  throw noSuchError('request', after, names);
}
