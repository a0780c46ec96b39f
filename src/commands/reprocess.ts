import { writeFileSync } from 'node:fs';
import { Flags } from '@oclif/core';
import { changing, refs } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import { askedByFile, askedByFlags, CONTENT, refuseMissing } from '../lib/cli/requests/asked.ts';
import { readPlanFile, refuseOverwrite, savePlanFile } from '../lib/cli/requests/savedplan.ts';
import { requestId } from '../lib/domain/ids.ts';
import { exactlyLines } from '../lib/flow/jobs/requests/exactly.ts';
import { selectRuns } from '../lib/flow/jobs/select.ts';
import type { Item, Ports } from '../lib/flow/ports.ts';
import { carryOut } from '../lib/flow/steps/reprocess/planned.ts';
import { reprocess } from '../lib/flow/steps/reprocess/reprocess.ts';
import type { Saving } from '../lib/flow/steps/reprocess/saveplan.ts';
import { UsageError } from '../lib/util/errors.ts';
import { counted } from '../lib/util/text/counted.ts';
import { shellWord } from '../lib/util/text/shell.ts';
import { field } from '../lib/util/values/field.ts';

export default class Reprocess extends Base {
  static override summary = 'Make new passes of chosen runs and modules';
  static override description =
    'Makes a new pass of each run and module; old passes stay. The request is stored with its whole plan first. Repeat the command to continue an interrupted request; --again makes another request. It also says what the passes will take: CPU time, bytes, and the time on the slots of the farms, from passes of the same module that were measured. With --dry-run it says so before anything is made. With --file the request comes from a file (dflow help request); flags that say the same are refused then. With --dry-run and --plan the plan is saved to be reviewed; --plan alone makes exactly the passes of a saved plan. What is not as it was when the plan was made is refused, each pass by name, and a plan that was edited or cut is refused with its line. The exactly file lists lines of `module run pass`.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --request tl-july -V 7.0.8 -m Analysis40 -r 109100-109200 --dry-run',
    '<%= config.bin %> <%= command.id %> --request tl-july -V 7.0.8 -m Analysis40 -r @runs.txt --exactly tl-july.txt',
    '<%= config.bin %> <%= command.id %> --stale-tables --request tables-july -m Processing,Analysis40 --prerequisite new',
    '<%= config.bin %> <%= command.id %> --request ana-july -V 7.0.8 -m Analysis40 -r 109100-109200 --prerequisite Processing=latest@7.0.7',
    '<%= config.bin %> <%= command.id %> --file request.yaml --dry-run --plan tl-july.plan',
    '<%= config.bin %> <%= command.id %> --plan tl-july.plan',
  ];
  static override strict = false;
  static override args = refs;
  static override flags = {
    ...changing,
    file: Flags.string({
      char: 'f',
      description: 'the request from this file (- is standard input); refused beside flags that say the same',
      helpValue: 'FILE',
      exclusive: [...CONTENT],
    }),
    plan: Flags.string({
      description: 'with --dry-run: save the plan; alone: make exactly the passes of a saved plan',
      helpValue: 'FILE',
    }),
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
    }),
    version: Flags.string({ char: 'V', description: 'software version (default: the automatic one)' }),
    request: Flags.string({ description: 'name of the request', helpValue: 'NAME' }),
    level: Flags.string({ description: 'raw data level, such as L1' }),
    tag: Flags.string({ description: 'RATDB tag that the jobs use', helpValue: 'NAME' }),
    priority: Flags.string({
      description: 'jobs with a higher number are submitted first: a number, low, normal, high or urgent',
      helpValue: 'N',
    }),
    label: Flags.string({
      char: 'l',
      description: 'label of the new passes',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    prerequisite: Flags.string({
      description:
        'pass of the prerequisite: latest, new, or a number; also for one module and of another version: Processing=latest@7.0.7',
      helpValue: 'PASS',
    }),
    after: Flags.string({ description: 'submit only after this request is done', helpValue: 'REQUEST' }),
    'stale-tables': Flags.boolean({
      description: 'only runs whose last pass was made with run tables that have changed since (default: of all runs)',
    }),
    text: Flags.string({ description: 'what the request is for, kept with it', helpValue: 'TEXT' }),
    again: Flags.boolean({ description: 'make another request with the same content' }),
    exactly: Flags.string({ description: 'write the exactly file to this path', helpValue: 'FILE' }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Reprocess);
    const words = argv.map(String);
    const content = [...CONTENT, 'request', 'file', 'again'].some((name) => said(flags, name)) || words.length > 0;
    if (flags.plan !== undefined && !content) return this.carryOut(flags.plan, flags);
    refuseTogether(words, flags);
    if (flags.file === undefined) refuseMissing(words, flags);
    const ports = await this.ports(true);
    const asked =
      flags.file === undefined ? await askedByFlags(words, flags) : await askedByFile(ports, flags.file, flags);
    const version = asked.version ?? ports.settings.automatic.version;
    if (version === undefined) throw new UsageError('a version is required', { hint: 'add --version 7.0.8' });
    const { runs: docs, problems } = await selectRuns(ports.store, asked.sets);
    const runs = docs.map(({ run }) => run);
    const stale = flags['stale-tables'] || undefined;
    // Which runs are stale changes from call to call: no run is new then.
    const ranges = stale ? [] : (asked.sets.runs?.ranges ?? runs.map((run): [number, number] => [run, run]));
    const plan = flags.plan === undefined ? undefined : this.savedPlan(flags.plan, ranges);
    const step = reprocess(ports, {
      ...{ ...asked.own, name: asked.name, version, runs, modules: asked.modules },
      ...this.stepOptions(flags, { again: flags.again || undefined, stale, saving: plan?.saving }),
    });
    await this.made(ports, flags, problems, step);
    plan?.tell();
  }

  /** Saves the plan when it is made; afterwards `tell` says what was saved. */
  private savedPlan(path: string, ranges: Saving['ranges']): { readonly saving: Saving; tell(): void } {
    let saved = 0;
    const write: Saving['write'] = async (found) => {
      await savePlanFile(path, found);
      saved = found.passes.length;
    };
    const tell = (): void => {
      if (saved === 0) this.say('nothing is planned, so no plan was saved');
      else this.say(`${path}: ${counted(saved, 'pass', 'passes')}\nNext: dflow reprocess --plan ${shellWord(path)}`);
    };
    return { saving: { ranges, command: this.asTyped(), write }, tell };
  }

  /** The command as it was typed, without what saves a plan. */
  private asTyped(): string {
    const words = this.argv.filter((word, at, all) => {
      return !/^(-n|--dry-run|--plan(=.*)?)$/.test(word) && all[at - 1] !== '--plan';
    });
    return ['dflow reprocess', ...words.map(shellWord)].join(' ');
  }

  private async carryOut(path: string, flags: Passing): Promise<void> {
    const plan = await readPlanFile(path);
    const ports = await this.ports(true);
    await this.made(ports, flags, [], carryOut(ports, plan, this.stepOptions(flags, {})));
  }

  /** Shows what is made, and writes the exactly file of the request. */
  private async made(
    ports: Ports,
    flags: Passing,
    problems: readonly Item[],
    step: AsyncIterable<Item>,
  ): Promise<void> {
    const names: string[] = [];
    await this.items(problems, noting(step, names));
    if (flags.exactly === undefined || flags['dry-run']) return;
    const [name] = names;
    const lines = name === undefined ? [] : await exactlyLines(ports.store, name);
    writeFileSync(flags.exactly, lines.map((line) => `${line}\n`).join(''));
  }
}

interface Asking {
  readonly 'dry-run': boolean;
  readonly file?: string | undefined;
  readonly plan?: string | undefined;
}

interface Passing {
  readonly 'dry-run': boolean;
  readonly exactly?: string | undefined;
}

/** @throws UsageError for what cannot be said together, or a plan that would replace a file */
function refuseTogether(words: readonly string[], { file, plan, 'dry-run': dry }: Asking): void {
  if (plan !== undefined && !dry)
    throw new UsageError('--plan beside a request saves the plan, and that needs --dry-run', {
      hint: `the same command with --dry-run, then: dflow reprocess --plan ${shellWord(plan)}`,
    });
  if (plan !== undefined) refuseOverwrite(plan);
  if (file !== undefined && words.length > 0)
    throw new UsageError(`--file says which runs; '${words[0]}' stands beside it`, {
      hint: `dflow reprocess --file ${shellWord(file)}`,
    });
}

function said(flags: object, name: string): boolean {
  const value = field(flags, name);
  return value !== undefined && value !== false;
}

/** Passes the items on and notes the request that they belong to. */
async function* noting(step: AsyncIterable<Item>, names: string[]): AsyncGenerator<Item, void, void> {
  const prefix = requestId('');
  for await (const item of step) {
    if (item.kind === 'request' && (item.did !== 'unchanged' || item.passes !== undefined))
      names.push(item.ref.slice(prefix.length));
    yield item;
  }
}
