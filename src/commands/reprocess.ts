import { writeFileSync } from 'node:fs';
import { Flags } from '@oclif/core';
import { changing, refs } from '../lib/cli/arguments/flags.ts';
import { nothingNamed, readRefs, runsToSwitch } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import type { RunSet } from '../lib/domain/selection.ts';
import { selectRuns } from '../lib/flow/jobs/select.ts';
import type { Item } from '../lib/flow/ports.ts';
import { reprocess } from '../lib/flow/steps/reprocess/reprocess.ts';
import { UsageError } from '../lib/util/errors.ts';

export default class Reprocess extends Base {
  static override summary = 'Make new passes of chosen runs and modules';
  static override description =
    'Makes a new pass of each run and module; old passes stay. The request is stored with its whole plan first. Repeat the command to continue an interrupted request; --again makes another request. The exactly file lists lines of `module run pass`.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --request tl-july -V 7.0.8 -m Analysis40 -r 109100-109200 --dry-run',
    '<%= config.bin %> <%= command.id %> --request tl-july -V 7.0.8 -m Analysis40 -r @runs.txt --exactly tl-july.txt',
    '<%= config.bin %> <%= command.id %> --stale-tables --request tables-july -m Processing,Analysis40 --prerequisite new',
  ];
  static override strict = false;
  static override args = refs;
  static override flags = {
    ...changing,
    run: Flags.string({
      char: 'r',
      description: 'runs: 109134, 109100-109200 or @FILE',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    module: Flags.string({
      char: 'm',
      description: 'names of the modules',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      required: true,
    }),
    version: Flags.string({ char: 'V', description: 'software version (default: the automatic one)' }),
    request: Flags.string({ description: 'name of the request', required: true, helpValue: 'NAME' }),
    level: Flags.string({ description: 'raw data level, such as L1' }),
    tag: Flags.string({ description: 'RATDB tag that the jobs use', helpValue: 'NAME' }),
    priority: Flags.integer({ description: 'jobs with a higher number are submitted first', helpValue: 'N' }),
    label: Flags.string({
      char: 'l',
      description: 'label of the new passes',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    prerequisite: Flags.string({
      description: 'pass of the prerequisite: latest, new, or a number',
      helpValue: 'PASS',
    }),
    after: Flags.string({ description: 'submit only after this request is done', helpValue: 'REQUEST' }),
    'stale-tables': Flags.boolean({
      description: 'only runs whose last pass was made with run tables that have changed since (default: of all runs)',
    }),
    again: Flags.boolean({ description: 'make another request with the same content' }),
    exactly: Flags.string({ description: 'write the exactly file to this path', helpValue: 'FILE' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Reprocess);
    const words = argv.map(String);
    const stale = flags['stale-tables'] || undefined;
    if (words.length === 0 && !flags.run && !stale)
      throw new UsageError('a run is required', { hint: 'add --run 109100-109200' });
    const ports = await this.ports(true);
    const version = flags.version ?? ports.settings.automatic.version;
    if (version === undefined) throw new UsageError('a version is required', { hint: 'add --version 7.0.8' });
    const sets: { refs?: Awaited<ReturnType<typeof readRefs>>; runs?: RunSet } = {};
    if (words.length > 0) sets.refs = await readRefs(words);
    if (sets.refs?.length === 0) throw nothingNamed(words, 'run');
    if (flags.run) sets.runs = await runsToSwitch(flags.run);
    const { runs, problems } = await selectRuns(ports.store, sets);
    const { level, tag, priority, prerequisite, after } = flags;
    const own = {
      level,
      tag,
      priority,
      prerequisite,
      after,
      labels: flags.label,
      again: flags.again || undefined,
      stale,
    };
    const asked = { name: flags.request, version, runs: runs.map((doc) => doc.run), modules: flags.module };
    const step = reprocess(ports, { ...asked, ...this.stepOptions(flags, own) });
    const lines: string[] = [];
    await this.items(problems, noting(step, lines));
    if (flags.exactly && !flags['dry-run']) writeFileSync(flags.exactly, lines.join(''));
  }
}

/** Passes the items on and keeps the exactly line of each pass. */
async function* noting(step: AsyncIterable<Item>, lines: string[]): AsyncGenerator<Item, void, void> {
  for await (const item of step) {
    if (item.kind === 'job' && !item.failed) lines.push(`${item.module} ${item.run} ${item.pass}\n`);
    yield item;
  }
}
