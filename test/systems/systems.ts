// The batch systems that a small experiment can have, for suites that show the same of each.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SYSTEM as CONDOR_SYSTEM, untilUp, use as useCondor } from './condor-world.ts';
import { Experiment, type ModuleText, type System } from './experiment.ts';
import { GANGA, removeLock } from './ganga-world.ts';
import { SYSTEM as SLURM_SYSTEM, use as useSlurm } from './slurm-world.ts';

export interface Kind {
  readonly name: string;
  readonly system: System;
  /** Options of the farm that every experiment of this kind has: YAML without braces. */
  readonly options: string;
  /** Whom commands of this process talk to from now on. */
  use(): void;
}

export const SLURM: Kind = {
  name: 'slurm',
  system: SLURM_SYSTEM,
  options: '',
  use: () => useSlurm('test'),
};

export const CONDOR: Kind = {
  name: 'htcondor',
  system: CONDOR_SYSTEM,
  options: '',
  use: () => {
    useCondor();
    untilUp();
  },
};

export const GANGA_LOCAL: Kind = {
  name: 'ganga',
  system: { backend: 'ganga', programs: {} },
  options: `ganga: ${GANGA}, beat: 1s, beatLimit: 8s, idle: 0.3s`,
  use: () => undefined,
};

export const KINDS = [SLURM, CONDOR, GANGA_LOCAL];

/** An experiment that is ready to submit; `options` are added to those of its kind. */
export function prepared(
  kind: Kind,
  runs: number,
  modules: Readonly<Record<string, ModuleText>>,
  options = '',
  tries = 3,
): Experiment {
  kind.use();
  const experiment = new Experiment(kind.system, runs, modules, optionsOf(kind, options), tries);
  lengthen(experiment, kind);
  experiment.prepare();
  return experiment;
}

/** Another farm of the same kind. */
export function configure(experiment: Experiment, kind: Kind, options: string): void {
  experiment.configure(options);
  lengthen(experiment, kind);
}

/** An answer that took longer than `grace` proves no absence, and Ganga takes seconds to start. */
function lengthen({ folder }: Experiment, kind: Kind): void {
  const path = join(folder, 'dflow.yaml');
  if (kind === GANGA_LOCAL) writeFileSync(path, readFileSync(path, 'utf8').replace('grace: 1s', 'grace: 6s'));
}

/** As `configure` takes them. */
export function optionsOf(kind: Kind, options = ''): string {
  return `{${[kind.options, options].filter(Boolean).join(', ')}}`;
}

export function discard(experiment: Experiment | undefined): void {
  if (!experiment) return;
  removeLock(join(experiment.folder, '.dflow/cedar'));
  experiment.remove();
}
