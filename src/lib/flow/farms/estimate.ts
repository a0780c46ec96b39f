// What passes will take: from counts of the store, whatever the number of its passes.
import {
  type Estimate,
  estimateOf,
  type Measured,
  type Spread,
  spreadOf,
  type Wanted,
} from '../../domain/jobs/requests/estimate.ts';
import type { ModuleFile } from '../../domain/modules/modules.ts';
import { groupBy } from '../../util/values/group.ts';
import { views } from '../../views/index.ts';
import type { Measure } from '../../views/jobs.ts';
import type { ReadPorts } from '../ports.ts';
import { slotsFor } from './slots.ts';

export async function estimate(ports: ReadPorts, file: ModuleFile, wanted: readonly Wanted[]): Promise<Estimate> {
  const [slots, ...found] = await Promise.all([
    slotsFor(ports, file.version),
    ...wanted.map(({ module }) => measuredOf(ports, module)),
  ]);
  return estimateOf({
    version: file.version,
    wanted,
    measured: new Map(wanted.map(({ module }, at) => [module, found[at] ?? []])),
    slots,
    needs: (module) => file.modules[module]?.needs ?? [],
  });
}

/** What was measured of a module, by version. */
async function measuredOf({ store }: ReadPorts, module: string): Promise<Measured[]> {
  const groups = await store.count(views.measured, 4, { prefix: [module] });
  const steps = groups.map(({ key: [, version, measure, step], value }) => ({ version, measure, step, value }));
  return [...groupBy(steps, ({ version }) => version)].map(([version, own]) => {
    const of = (measure: Measure): { readonly [M in Measure]?: Spread } => {
      const spread = spreadOf(own.flatMap((one) => (one.measure === measure ? [[one.step, one.value] as const] : [])));
      return spread ? { [measure]: spread } : {};
    };
    return { version, ...of('cpu'), ...of('wall'), ...of('bytes') };
  });
}
