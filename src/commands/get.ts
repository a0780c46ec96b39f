import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { all, changing, limit, refs, selection } from '../lib/cli/arguments/flags.ts';
import { selectWithRanges } from '../lib/cli/arguments/runsorpasses.ts';
import { Base } from '../lib/cli/base.ts';
import { refuseAmongData } from '../lib/cli/config/findings/nesting.ts';
import { type OpenPorts, ownFolder } from '../lib/cli/ports.ts';
import { PASS_STATES } from '../lib/domain/jobs/states.ts';
import type { Item } from '../lib/flow/ports.ts';
import { getOutputs, listOutputs } from '../lib/flow/steps/get/get.ts';
import { BusyError, EXIT, UsageError } from '../lib/util/errors.ts';
import { given } from '../lib/util/values/given.ts';

export default class Get extends Base {
  static override summary = 'Copy outputs of passes into a folder of this machine';
  static override description =
    'Fetches the outputs of chosen passes. Each file comes from the first storage element of the configuration that has a good copy; elements that are set aside or disabled are tried last. The checksum is compared. A file has its name only when it is whole. A repeated command fetches only what is missing. Nothing in the store changes. Raw files are not outputs: dflow list replicas shows their addresses.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109100-109200/Analysis40 --type ntuple --to ./data',
    '<%= config.bin %> <%= command.id %> --request tl-july --type ntuple --to ./data',
    '<%= config.bin %> <%= command.id %> @tl-july.exactly --list > urls.txt',
  ];
  static override exits = [0, 1, 2, 3, 4, 5, 75];
  static override strict = false;
  static override args = refs;
  static override flags = {
    ...changing,
    ...limit,
    ...selection,
    ...all,
    to: Flags.string({ description: 'folder for the files (default: this one)', default: '.', helpValue: 'FOLDER' }),
    type: Flags.string({
      description: 'fetch only outputs of these types',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
      helpValue: 'NAME',
    }),
    replace: Flags.boolean({ description: 'fetch files again whose content is not that of the catalogue' }),
    list: Flags.boolean({ description: 'print only the addresses of the files, one on each line' }),
  };

  protected override idle = 'nothing to do: no pass is selected. Next: dflow list jobs --state completed';

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Get);
    const ports = await this.ports(false);
    const input = { refs: argv.map(String), flags, states: PASS_STATES, needed: true };
    const { jobs, problems } = await selectWithRanges(ports, input);
    const chosen = jobs.slice(0, flags.limit);
    const options = given({ types: flags.type, replace: flags.replace || undefined });
    if (flags.list) await this.addresses(problems, listOutputs(ports, chosen, options));
    else if (flags['dry-run'])
      await this.into(ports, flags.to, (to) =>
        this.items(problems, getOutputs(ports, chosen, to, { ...options, dryRun: true })),
      );
    else await this.into(ports, flags.to, (to) => this.items(problems, getOutputs(ports, chosen, to, options)));
  }

  /** The folder, made if need be, while no other get writes there. */
  private async into(
    ports: OpenPorts,
    folder: string,
    use: (to: Awaited<ReturnType<typeof ownFolder>>) => Promise<void>,
  ) {
    const path = resolve(folder);
    await refuseAmongData(ports.settings, path, {
      what: 'fetched files do not belong',
      hint: 'name a folder outside: --to FOLDER',
    });
    await mkdir(path, { recursive: true }).catch((error: unknown) => {
      throw new UsageError(`'${folder}' cannot be used as a folder`, { cause: error, hint: '--to FOLDER' });
    });
    const lock = ports.locks.takePassing(join(path, '.dflow-get'));
    if (!lock) throw new BusyError(`another dflow get writes into '${path}'`, { hint: 'try again when it has ended' });
    try {
      await use(await ownFolder(path));
    } finally {
      await lock.release();
    }
  }

  /** Addresses alone, for programs that fetch the files themselves; what is wrong goes to standard error. */
  private async addresses(...steps: (AsyncIterable<Item> | Iterable<Item>)[]): Promise<void> {
    if (this.out.format === 'json') return this.items(...steps);
    for (const step of steps) {
      for await (const item of step) {
        if (item.kind === 'output' && item.url !== undefined) this.out.line(item.url);
        else {
          this.complain(item);
          process.exitCode = EXIT.itemsFailed;
        }
      }
    }
  }
}
