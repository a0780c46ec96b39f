// Whether automatic processing makes a module's passes of a run at all: the version must define it, the run's types must
// ask for it, and it must have done so when the run was enqueued. Pure.
import { refOf, runId } from '../../../domain/ids.ts';
import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { Gate, RunFacts } from '../../../domain/jobs/readiness.ts';
import { type ModuleFile, modulesFor } from '../../../domain/modules/modules.ts';

/** The gate that is not met, with the request that makes the pass all the same; none where it is asked for. */
export function askedGates(facts: RunFacts, module: string, files: Readonly<Record<string, ModuleFile>>): Gate[] {
  const { modules, run, types, doc, data } = facts;
  const having = modules?.modules[module] ? modules : Object.values(files).findLast((file) => module in file.modules);
  const version = having?.version ?? modules?.version;
  const next = `dflow reprocess --request ${module}-${run} --version ${version} --module ${module} --run ${refOf(run)}`;
  const no = (text: string): Gate[] => [{ gate: 'asked', ok: false, text, next }];
  // Of a run that is sampled out the gate `keep` says it all.
  if (!modules || data?.keep.kept === false) return [];
  const name = `${module} in ${modules.version}`;
  if (having !== modules) return no(`automatic version ${modules.version} does not define ${module}; ${version} does`);
  const made = doc?.automatic?.[modules.version];
  if (modulesFor(modules, types).includes(module)) {
    if (!made || made.modules.includes(module)) return [];
    return no(`${module} was not asked for yet when the passes of the run were made`);
  }
  const asking = askers(modules, module);
  const others = asking.length > 0 ? `asked for by ${asking.join(', ')}` : 'no run type asks for it';
  if (doc?.mask !== undefined || asking.length === 0)
    return no(`${types.join('+') || 'unknown type'} does not ask for ${name}; ${others}`);
  if (made) return no(`its passes were made while its run type was not known; ${module} is ${others}`);
  // Its type may still ask for it, and then the pass comes by itself: a request now would make a second one.
  const text = `the run type is not known yet; ${module} is ${others}`;
  return [{ gate: 'asked', ok: false, text, next: 'dflow tables load FILE', on: runId(run) }];
}

/** Automatic passes that the run's types do not ask for: the type was corrected after they were made. */
export function unaskedGates({ run, types, doc, modules }: RunFacts, passes: readonly JobDoc[]): Gate[] {
  if (!modules || doc?.mask === undefined) return [];
  const asked = modulesFor(modules, types);
  const last = new Map(passes.filter(isOwn(modules.version)).map((job) => [job.module, job]));
  const over = [...last.values()].filter(({ module, state }) => !asked.includes(module) && !GONE.has(state));
  if (over.length === 0) return [];
  const open = over.filter(({ state }) => state !== 'completed');
  const names = over.map(({ module }) => module).join(', ');
  const text = `${types.join('+') || 'no type'} does not ask for ${names}: made for another run type`;
  const refs = open.map(({ module, pass }) => refOf(run, module, pass)).join(' ');
  return [{ gate: 'type', ok: open.length === 0, text, ...(open.length > 0 ? { next: `dflow cancel ${refs}` } : {}) }];
}

const GONE: ReadonlySet<string> = new Set(['canceled', 'deleted']);

const isOwn = (version: string) => (job: JobDoc) => job.request === undefined && job.version === version;

/** Run types with which it would have been made, also as what another module needs. */
function askers(file: ModuleFile, module: string): string[] {
  return Object.keys(file.runTypes).filter((type) => modulesFor(file, [type]).includes(module));
}
