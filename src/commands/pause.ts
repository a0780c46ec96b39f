import { Flags } from '@oclif/core';
import { changing, level, module, run, site, storage } from '../lib/cli/arguments/flags.ts';
import { runsToSwitch } from '../lib/cli/arguments/selection.ts';
import { until, untilOf } from '../lib/cli/arguments/until.ts';
import { Base } from '../lib/cli/base.ts';
import type { HoldScope } from '../lib/domain/hold.ts';
import { checkNames, pause } from '../lib/flow/switches/holds.ts';
import { UsageError } from '../lib/util/errors.ts';
import { given } from '../lib/util/values/given.ts';

export default class Pause extends Base {
  static override summary = 'Hold back jobs or copies, for a time or until `dflow resume`';
  static override description =
    'Makes a hold: covered jobs are not submitted and covered copies are not made until the hold ends. Jobs and files that appear later are covered too. dflow list holds shows holds, dflow resume ends them.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --version 7.0.8 --why "wrong optics" --for 3d',
    '<%= config.bin %> <%= command.id %> --site cedar --why downtime --until 2026-07-15T08:00',
  ];
  static override flags = {
    ...changing,
    ...run,
    ...module,
    ...site,
    ...storage,
    ...level,
    version: Flags.string({
      char: 'V',
      description: 'jobs of this software version; * matches any text',
      helpValue: 'VERSION',
      multiple: true,
      multipleNonGreedy: true,
    }),
    request: Flags.string({
      description: 'jobs of this request',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
    label: Flags.string({
      char: 'l',
      description: 'jobs with this label',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
    }),
    all: Flags.boolean({ description: 'hold back everything' }),
    why: Flags.string({ description: 'reason, shown with the hold', required: true, helpValue: 'TEXT' }),
    ...until,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Pause);
    const runs = flags.run ? (await runsToSwitch(flags.run)).ranges : undefined;
    const scope: HoldScope = given({
      runs,
      modules: flags.module,
      versions: flags.version,
      sites: flags.site,
      storages: flags.storage,
      levels: flags.level,
      requests: flags.request,
      labels: flags.label,
    });
    if (Object.keys(scope).length === 0 && !flags.all) {
      throw new UsageError('a selection or --all is required', { hint: 'dflow pause --site NAME --why TEXT' });
    }
    const ports = await this.ports(true);
    await checkNames(ports, { sites: flags.site, storages: flags.storage, levels: flags.level, modules: flags.module });
    const end = untilOf(flags, await ports.store.now());
    const what = flags.storage ? 'storage' : 'pause';
    await this.items(
      pause(ports, { what, scope, why: flags.why, ...(end ? { until: end } : {}) }, this.stepOptions(flags, {})),
    );
  }
}
