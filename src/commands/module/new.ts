import { Args, Flags } from '@oclif/core';
import { changing } from '../../lib/cli/arguments/flags.ts';
import { Base } from '../../lib/cli/base.ts';
import { planVersion, writeVersion } from '../../lib/cli/config/init/newversion.ts';

export default class ModuleNew extends Base {
  static override summary = 'Make the module file of a new software version';
  static override description =
    'Copies the module file of an old version, with its comments, and adds a line that names the old version. No run uses the new version until automatic.version or a request names it. Where the old version was the only one, dflow.yaml gets automatic.version.';
  static override examples = ['<%= config.bin %> <%= command.id %> 7.0.9 --from 7.0.8'];
  static override exits = [0, 2];
  static override args = {
    version: Args.string({ description: 'name of the new version', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...changing,
    from: Flags.string({ description: 'version whose file is copied', required: true, helpValue: 'VERSION' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ModuleNew);
    const settings = await this.settings();
    const plan = planVersion(settings, args.version, flags.from, new Date().toISOString().slice(0, 10));
    if (!flags['dry-run']) writeVersion(plan);
    const text = `copied from ${flags.from}; edit the file, then: dflow module check ${args.version}`;
    const dryRun = flags['dry-run'] ? { dryRun: true } : {};
    this.out.item({ kind: 'module', ref: plan.path, did: 'made', text, ...dryRun });
    if (!plan.keep) return;
    const { file, version } = plan.keep;
    const said = `automatic.version: '${version}' added; new runs are still processed with ${version}`;
    const next = `set automatic.version to '${args.version}' in ${file} when new runs shall use it`;
    this.out.item({ kind: 'config', ref: file, did: 'changed', text: said, next, ...dryRun });
  }
}
