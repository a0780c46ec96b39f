// One subjob of a module as it would be submitted, on real inputs, for a trial here: the store is only read.

import type { DataDoc } from '../../../domain/data/data.ts';
import { dataId } from '../../../domain/ids.ts';
import type { JobDoc, Subjob } from '../../../domain/jobs/job.ts';
import { ruleFor, rulesFor } from '../../../domain/jobs/policy.ts';
import type { ModuleFile } from '../../../domain/modules/modules.ts';
import { moduleOf } from '../../../domain/modules/modules.ts';
import { named, noSuchError } from '../../../domain/named.ts';
import type { Settings } from '../../../domain/settings.ts';
import { ItemError, UsageError } from '../../../util/errors.ts';
import { given } from '../../../util/values/given.ts';
import { have } from '../../../util/values/have.ts';
import type { ResultRecord } from '../../../wrapper/record.ts';
import type { JobSpec } from '../../../wrapper/spec.ts';
import { farmSettings } from '../../farms/farm.ts';
import { farmStorages } from '../../farms/farmstorages.ts';
import { refuseBad } from '../../jobs/badmodules.ts';
import { runFacts, runTypes } from '../../jobs/facts.ts';
import { trialPass } from '../../jobs/passes.ts';
import { jobSpec, outputFolder } from '../../jobs/spec.ts';
import type { Ports, Step } from '../../ports.ts';

export interface TrialOptions {
  readonly module: string;
  readonly run: number;
  /** Of a module with one subjob per subrun; default: the first. */
  readonly subrun?: number;
  readonly version?: string;
  /** Folder that outputs go to instead of the farm's storage elements. */
  readonly output: string;
}

/**
 * What the wrapper would be told.
 * @throws UsageError for an unknown module, version or subrun
 * @throws ItemError when a prerequisite or an input is missing
 */
async function trialSpec(ports: Ports, options: TrialOptions): Promise<JobSpec> {
  const file = fileOf(ports.settings, options);
  const module = moduleOf(file, options.module);
  const { level } = ports.settings.automatic;
  const facts = have(await runFacts(ports, [options.run], level, file.version), options.run);
  const job = await trialPass(ports, { facts, file, module, priority: 0, labels: [] });
  const farm = farmSettings(ports);
  const prerequisites = await ports.store.get<JobDoc>(job.needs.map((need) => need.job));
  const data = (await ports.store.get<DataDoc>([dataId(level, options.run)])).get(dataId(level, options.run));
  const elements = await farmStorages(ports, farm);
  const spec = jobSpec(job, subjobOf(job, options.subrun), 'trial.0', {
    farm: elements.farm,
    module,
    data,
    prerequisites,
    storages: elements.storages,
    storageSettings: ports.settings.storages,
    types: runTypes(ports, job.mask),
    experiment: ports.settings.experiment,
  });
  const path = outputFolder(job);
  const here = { storage: 'trial', protocol: 'posix', folder: `${options.output}/${path}`, path };
  return { ...spec, destinations: [here] };
}

/** Runs the trial by `run`, and tells how it went: one item for the job, one for each output. */
export async function* trialItems(
  ports: Ports,
  options: TrialOptions,
  run: (spec: JobSpec) => Promise<ResultRecord>,
): Step {
  const spec = await trialSpec(ports, options);
  const record = await run(spec);
  const { phase, exit, reason, wall, cpu, maxRss, host, outputs } = record;
  const used = [
    `${wall} s`,
    cpu === undefined ? [] : `${cpu} s cpu`,
    maxRss === undefined ? [] : `${maxRss} KiB`,
  ].flat();
  const failed = phase !== 'done';
  const text = failed ? `in ${phase}, exit ${exit}: ${reason}` : used.join(', ');
  const rules = rulesFor(ports.settings, spec.env.DFLOW_VERSION ?? '', options.module);
  const seen = { site: '', phase, exit, reason, text: `${reason}\n${record.tail ?? ''}` };
  const advice = failed ? ruleFor(rules, seen)?.advice : undefined;
  const fields = {
    phase,
    exit,
    wall,
    host,
    ...given({ cpu, maxRss, next: advice }),
  };
  yield {
    kind: 'trial',
    ref: spec.ref,
    did: failed ? 'failed' : 'done',
    ...(failed ? { failed } : {}),
    text,
    ...fields,
  };
  for (const { type, name, size, checksum, path } of outputs) {
    yield {
      kind: 'output',
      ref: `${options.output}/${path}`,
      did: 'made',
      type,
      name,
      size,
      checksum,
      text: `${type}, ${size} bytes`,
    };
  }
}

/** The module file: of the version that is said, else the automatic one, else the last that has the module. */
function fileOf(settings: Settings, { module, version }: TrialOptions): ModuleFile {
  const { modules, automatic } = settings;
  refuseBad(settings, version ?? automatic.version);
  if (version !== undefined) named('version', version, Object.keys(modules));
  const having = Object.values(modules).filter((file) => module in file.modules);
  const wanted = version ?? automatic.version;
  const found = having.find((file) => file.version === wanted) ?? (version === undefined ? having.at(-1) : undefined);
  if (found) return found;
  const known = Object.keys(modules[wanted ?? '']?.modules ?? {});
  throw noSuchError('module', module, known, version === undefined ? {} : { in: `version ${version}` });
}

function subjobOf(job: JobDoc, subrun: number | undefined): Subjob {
  const [first] = job.subjobs;
  const found = subrun === undefined ? first : job.subjobs.find((subjob) => subjob.subrun === subrun);
  if (found) return found;
  if (subrun === undefined) throw new ItemError(`${job.module} has nothing to do for run ${job.run}`);
  const known = job.subjobs.flatMap((subjob) => subjob.subrun ?? []);
  const hint = known.length > 0 ? `--subrun ${known.join(', ')}` : `${job.module} is one job for the whole run`;
  throw new UsageError(`run ${job.run} has no subrun ${subrun} for ${job.module}`, { hint });
}
