// Whether automatic processing makes a module's passes of a run at all: the version must define it, the run's types must
// ask for it, and it must have done so when the run was enqueued. Pure.
import { refOf } from '../../domain/ids.ts';
import { type ModuleFile, modulesFor } from '../../domain/modules.ts';
import type { Gate, RunFacts } from '../../domain/readiness.ts';

/** The gate that is not met, with the request that makes the pass all the same; none where it is asked for. */
export function askedGates(facts: RunFacts, module: string, files: Readonly<Record<string, ModuleFile>>): Gate[] {
  const { modules, run, types, doc } = facts;
  const having = modules?.modules[module] ? modules : Object.values(files).findLast((file) => module in file.modules);
  const version = having?.version ?? modules?.version;
  const next = `dflow reprocess --request ${module}-${run} --version ${version} --module ${module} --run ${refOf(run)}`;
  const no = (text: string): Gate[] => [{ gate: 'asked', ok: false, text, next }];
  if (!modules) return [];
  if (having !== modules) return no(`automatic version ${modules.version} does not define ${module}; ${version} does`);
  if (!modulesFor(modules, types).includes(module)) {
    const name = types.length > 0 ? types.join('+') : 'unknown type';
    return no(`${name} does not ask for ${module} in ${modules.version}; ${askers(modules, module)}`);
  }
  const made = doc?.automatic?.[modules.version];
  if (!made || made.modules.includes(module)) return [];
  return no(`${module} was not asked for yet when the passes of the run were made`);
}

/** Run types with which it would have been made, also as what another module needs. */
function askers(file: ModuleFile, module: string): string {
  const types = Object.keys(file.runTypes).filter((type) => modulesFor(file, [type]).includes(module));
  return types.length === 0 ? 'no run type does' : `asked for by ${types.join(', ')}`;
}
