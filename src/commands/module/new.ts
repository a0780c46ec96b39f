import { Args, Flags } from '@oclif/core';
import { changing } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { planVersion, writeVersion } from '../../lib/cli/config/init/newversion.ts';

export default class ModuleNew extends Base {
  static override summary = 'Make the module file of a new software version';
  static override description =
    'Copies the module file of an old version, comments and all, with a line that says where it is from. Nothing is processed with it until automatic.version or a request names it: where the old version was the only one, dflow.yaml says automatic.version from now on.';
  static override examples = ['<%= config.bin %> <%= command.id %> 7.0.9 --from 7.0.8'];
  static override exits = [0, 2];
  static override args = {
    version: Args.string({ description: 'new version', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...changing,
    from: Flags.string({ description: 'version to copy', required: true, helpValue: 'VERSION' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ModuleNew);
    const settings = await this.settings();
    const plan = planVersion(settings, args.version, flags.from, new Date().toISOString().slice(0, 10));
    if (!flags['dry-run']) writeVersion(plan);
    const text = `as ${flags.from}; edit it, then: dflow module check ${args.version}`;
    const dryRun = flags['dry-run'] ? { dryRun: true } : {};
    this.out.item({ kind: 'module', ref: plan.path, did: 'made', text, ...dryRun });
    if (!plan.keep) return;
    const { file, version } = plan.keep;
    const said = `automatic.version: '${version}': runs are still processed with ${version}`;
    const next = `edit automatic.version when ${args.version} is to process new runs`;
    this.out.item({ kind: 'config', ref: file, did: 'changed', text: said, next, ...dryRun });
  }
}
