// What a request names must exist: its version, its modules, the request that it waits for.
import { requestId } from '../../../domain/ids.ts';
import type { RequestDoc } from '../../../domain/jobs/request.ts';
import { choiceFor, prerequisitesOf } from '../../../domain/jobs/requests/prerequisites.ts';
import type { ModuleFile } from '../../../domain/modules/modules.ts';
import { noSuchError } from '../../../domain/named.ts';
import { idsWith } from '../../../store.ts';
import { UsageError } from '../../../util/errors.ts';
import { refuseBad } from '../../jobs/badmodules.ts';
import type { Ports } from '../../ports.ts';

/** The module file of a version. Throws UsageError with the near miss. */
export function moduleFile(ports: Ports, version: string): ModuleFile {
  const file = ports.settings.modules[version];
  if (file) return file;
  refuseBad(ports.settings, version);
  throw noSuchError('version', version, Object.keys(ports.settings.modules));
}

/** A prerequisite that none of the modules needs is a misspelling. @throws UsageError */
function assertNeeded(file: ModuleFile, asked: ReadonlySet<string>, prerequisite: string | undefined): void {
  const choices = prerequisitesOf(prerequisite);
  if (!choices) {
    const text = `--prerequisite: '${prerequisite}' is not a choice of passes`;
    throw new UsageError(text, {
      hint: 'latest, new, 3, Processing=3 or Processing=latest@7.0.7, with commas between',
    });
  }
  const needed = new Set([...asked].flatMap((name) => file.modules[name]?.needs ?? []));
  const strange = [...choices.of.keys()].find((name) => !needed.has(name));
  if (strange === undefined) return;
  throw noSuchError('module', strange, needed, { in: `the prerequisites of ${[...asked].join(', ')}` });
}

/** The modules asked for; those that they need, too, where new passes of them are asked for. */
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
    module.needs.filter((need) => choiceFor(options.prerequisite, need).choice.pass === 'new').forEach(ask);
  };
  options.modules.forEach(ask);
  assertNeeded(file, asked, options.prerequisite);
  return Object.keys(file.modules).filter((name) => asked.has(name));
}

export async function assertAfter(ports: Ports, after: string | undefined): Promise<void> {
  if (after === undefined) return;
  if ((await ports.store.get([requestId(after)])).has(requestId(after))) return;
  const names = (await ports.store.range<RequestDoc>(idsWith('request:'))).map((request) => request.name);
  throw noSuchError('request', after, names);
}
