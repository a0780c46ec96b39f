import { Flags } from '@oclif/core';
import { changing } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import { CONFIG_NAME } from '../lib/cli/config/find.ts';
import { type InitPlan, planInit, writeInit } from '../lib/cli/config/init/init.ts';
import { initStorage } from '../lib/cli/config/init/initstorage.ts';
import { setupChecks } from '../lib/cli/doctor/patient.ts';

export default class Init extends Base {
  static override summary = 'Write a configuration for a folder of raw files';
  static override description =
    'Guesses the pattern of the file names, writes dflow.yaml and an example of a module file, and sets up the document store. Existing files are not changed.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --from ./raw',
    "<%= config.bin %> <%= command.id %> --from /data --pattern 'SNOP_{run:10}_{subrun:3}.zdab'",
  ];
  static override flags = {
    ...changing,
    from: Flags.string({ description: 'folder where raw files appear', default: './raw', helpValue: 'FOLDER' }),
    storage: Flags.string({
      description: 'folder for copies (default: ./store, or one beside the raw files)',
      helpValue: 'FOLDER',
    }),
    pattern: Flags.string({ description: 'pattern of the file names; without it dflow guesses', helpValue: 'PATTERN' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Init);
    const folder = process.cwd();
    const storage = await initStorage(folder, flags.from, flags.storage);
    const plan = planInit({ folder, from: flags.from, pattern: flags.pattern, storage });
    const dryRun = flags['dry-run'] ? { dryRun: true } : {};
    if (!flags['dry-run']) writeInit(plan);
    const text = about(plan);
    for (const path of plan.write.keys()) {
      const what = path.endsWith(CONFIG_NAME) ? text : 'an example, all lines are comments';
      this.out.item({ kind: 'file', ref: path, did: 'written', text: what, ...dryRun });
    }
    if (flags['dry-run']) return;
    this.useConfig(`${process.cwd()}/${CONFIG_NAME}`);
    const { store, settings } = await this.ports('setup');
    const info = await store.setup(settings.experiment);
    this.out.item({ kind: 'store', ref: info.where, did: 'set-up', text: `experiment ${settings.experiment}` });
    for await (const item of setupChecks(settings)) if (item.failed) this.out.item(item);
    this.remark('Next: edit modules/1.0.yaml, then: dflow chain --until-idle');
  }
}

/** `pattern run{run:3}.dat, 3 files such as run001.dat; 2 files do not match, such as calib001.dat` */
function about({ pattern, files, example, others, other }: InitPlan): string {
  const fit = `pattern ${pattern}, ${files} ${files === 1 ? 'file' : 'files'}${example === undefined ? '' : ` such as ${example}`}`;
  return other === undefined ? fit : `${fit}; ${others} do not match, such as ${other}`;
}
