import { Flags } from '@oclif/core';
import { changing } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import { type OpenPatient, openPatient } from '../lib/cli/doctor/patient.ts';
import type { CanaryItem, CheckItem } from '../lib/domain/results/items.ts';
import { canary } from '../lib/flow/steps/doctor/canary.ts';
import { doctor } from '../lib/flow/steps/doctor/doctor.ts';
import { canaryText } from '../lib/render/canary.ts';
import { doctorText } from '../lib/render/doctor.ts';
import { EXIT } from '../lib/util/errors.ts';
import { endSoon } from '../lib/util/processes/ending.ts';
import { giveBack } from '../lib/util/processes/stopping.ts';
import { given } from '../lib/util/values/given.ts';

/** Milliseconds that closing may take: what did not answer a check does not answer a farewell either. */
const FAREWELL = 3000;

export default class Doctor extends Base {
  static override summary = 'Check the whole set-up, and say what mends what is wrong';
  static override description =
    'Checks configuration, store, clock, disks, programs, credentials, buffers, storage elements and batch systems at once. A storage element gets a small file, which is read back and removed. A batch system gets a held job, which is withdrawn. What does not answer within 20 seconds has failed. Exit code 1: something failed; warnings do not count. Exit code 2: no command writes this store, since its database keeps several copies of each shard. With --canary one tiny job for each farm and storage element fetches a file from there and writes one to it.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --only storage,credentials --verbose',
    "<%= config.bin %> <%= command.id %> --json | jq -r 'select(.failed) | .text'",
  ];
  static override exits = [0, 1, 2];
  static override flags = {
    ...changing,
    only: Flags.string({
      description: 'only these checks, or groups of checks',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    canary: Flags.boolean({
      description: 'run one tiny job for each farm and storage element instead',
      exclusive: ['only', 'verbose'],
    }),
    verbose: Flags.boolean({ char: 'v', description: 'show also what is well, line by line' }),
  };

  private patient: OpenPatient | undefined;

  async run(): Promise<void> {
    const { flags } = await this.parse(Doctor);
    const settings = await this.settings();
    this.patient = await openPatient(settings, 'doctor');
    const done = giveBack();
    try {
      if (flags.canary) return await this.canary(this.patient, flags);
      const found = doctor(this.patient, given({ only: flags.only, dryRun: flags['dry-run'] }));
      const items: CheckItem[] = [];
      const asPage = this.out.format === 'table';
      for await (const item of this.watched(found)) {
        if (item.failed) process.exitCode ||= EXIT.itemsFailed;
        if (item.refused) process.exitCode = EXIT.usage;
        if (asPage) items.push(item);
        else this.out.item(item);
      }
      const page = { experiment: settings.experiment, host: this.patient.host, items, verbose: flags.verbose };
      if (asPage) this.out.line(doctorText(page, this.out.width));
    } finally {
      done();
    }
  }

  private async canary(patient: OpenPatient, flags: { quiet?: boolean; 'dry-run'?: boolean }): Promise<void> {
    const items: CanaryItem[] = [];
    const asPage = this.out.format === 'table';
    const found = canary(patient, given({ dryRun: flags['dry-run'] }));
    for await (const item of this.watched(found)) {
      if (item.failed) process.exitCode = EXIT.itemsFailed;
      if (asPage) items.push(item);
      else this.out.item(item);
    }
    // Farms answer in any order; the matrix has that of the configuration.
    const { farms, storages } = patient.settings;
    const at = ({ farm, storage }: CanaryItem): number =>
      farms.findIndex(({ name }) => name === farm) * storages.length +
      storages.findIndex(({ name }) => name === storage);
    items.sort((one, other) => at(one) - at(other));
    if (asPage && !patient.stopping?.aborted) this.out.line(canaryText(items, this.out.width));
  }

  /** What did not answer in time may still hold this process: it ends all the same. */
  protected override async finally(error: Error | undefined): Promise<void> {
    await super.finally(error);
    const closed = this.patient?.close().catch(() => undefined);
    const late = new Promise((resolve) => setTimeout(resolve, FAREWELL).unref());
    await Promise.race([closed, late]);
    endSoon(FAREWELL);
  }
}
