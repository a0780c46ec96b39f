import { Flags } from '@oclif/core';
import { changing } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import { CONFIG_NAME } from '../lib/cli/config/find.ts';
import {
  type Asked,
  experimentOf,
  type InitPlan,
  planInit,
  refuseSecond,
  writeInit,
} from '../lib/cli/config/init/init.ts';
import { initStorage } from '../lib/cli/config/init/initstorage.ts';
import { setupChecks } from '../lib/cli/doctor/patient.ts';
import type { OutputFormat } from '../lib/cli/output/output.ts';
import { EXIT, UsageError } from '../lib/util/errors.ts';
import { counted } from '../lib/util/text/counted.ts';
import { given } from '../lib/util/values/given.ts';

export default class Init extends Base {
  static override summary = 'Write a configuration for a folder of raw files';
  static override description =
    'Guesses the pattern of the file names, writes dflow.yaml and an example of a module file, and sets up the document store. Existing files are not changed. On a terminal it shows how names are read, and asks where they leave something open; with --yes it asks nothing.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --from ./raw',
    "<%= config.bin %> <%= command.id %> --from /data --pattern 'SNOP_{run:10}_{subrun:3}.zdab'",
  ];
  static override flags = {
    ...changing,
    from: Flags.string({ description: 'folder where raw files appear (default: ./raw)', helpValue: 'FOLDER' }),
    storage: Flags.string({
      description: 'folder for copies (default: ./store, or one beside the raw files)',
      helpValue: 'FOLDER',
    }),
    pattern: Flags.string({ description: 'pattern of the file names; without it dflow guesses', helpValue: 'PATTERN' }),
    experiment: Flags.string({
      description: 'name of the experiment (default: the name of this folder)',
      helpValue: 'NAME',
    }),
    yes: Flags.boolean({ char: 'y', description: 'ask nothing; where names are in doubt, take the likeliest pattern' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Init);
    const folder = process.cwd();
    const { from, pattern, experiment, yes } = flags;
    refuseSecond(folder);
    if (experiment !== undefined) refuseName(experiment);
    const talks = asks(flags, this.out.format);
    const asked = talks
      ? await this.converse(folder, given({ from, pattern, experiment, storage: flags.storage }))
      : undefined;
    if (talks && !asked) return;
    const storage = asked?.storage ?? (await initStorage(folder, from ?? RAW, flags.storage));
    const plan = planInit({ folder, from: from ?? RAW, yes, ...given({ pattern, experiment }), ...asked, storage });
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
    let well = 0;
    for await (const item of setupChecks(settings)) {
      if (item.failed) this.out.item(item);
      else well++;
    }
    if (asked) (await import('../lib/cli/config/init/conversation.ts')).farewell(well, NEXT);
    else this.remark(`Next: ${NEXT.join('\n      ')}`);
  }

  /** Asks the person; `undefined` after a no or ^C. */
  private async converse(folder: string, said: Partial<Asked>): Promise<Asked | undefined> {
    const { converse, Left } = await import('../lib/cli/config/init/conversation.ts');
    try {
      return await converse(folder, said);
    } catch (error) {
      if (!(error instanceof Left)) throw error;
      process.exitCode = error.byKey ? 130 : EXIT.usage;
      return undefined;
    }
  }
}

const RAW = './raw';

/** Commands to type after init. */
const NEXT = [
  'edit modules/1.0.yaml: what is made of a run',
  'dflow config check',
  'dflow chain --until-idle',
  'dflow status',
];

/** True on a terminal, where the flags leave something open. */
function asks(
  flags: {
    yes: boolean;
    'dry-run': boolean;
    quiet: boolean;
    pattern?: string | undefined;
    experiment?: string | undefined;
    storage?: string | undefined;
  },
  format: OutputFormat,
): boolean {
  const { pattern, experiment, storage } = flags;
  const open = pattern === undefined || experiment === undefined || storage === undefined;
  const here = process.stdin.isTTY === true && process.stderr.isTTY === true && process.env.TERM !== 'dumb';
  return here && open && !flags.yes && !flags['dry-run'] && !flags.quiet && format !== 'json';
}

/** @throws UsageError */
function refuseName(experiment: string): void {
  if (experimentOf(experiment) === experiment) return;
  throw new UsageError(`'${experiment}' is not a name of an experiment: letters, digits, '.', '_' and '-'`, {
    hint: `--experiment ${experimentOf(experiment)}`,
  });
}

/** `pattern run{run:3}.dat, 3 files such as run001.dat; 2 do not match, such as calib001.dat` */
function about({ pattern, files, example, others, other, assumed }: InitPlan): string {
  const fit = `pattern ${pattern}, ${counted(files, 'file')}${example === undefined ? '' : ` such as ${example}`}`;
  const rest = other === undefined ? '' : `; ${others} do not match, such as ${other}`;
  return `${fit}${rest}${assumed === undefined ? '' : `; assumed: ${assumed} (--pattern says it otherwise)`}`;
}
