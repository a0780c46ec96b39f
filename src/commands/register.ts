import { Flags } from '@oclif/core';
import { changing, level, limit, ofHosts, secondLook, why } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import { beating } from '../lib/flow/farms/beat.ts';
import { register, settleVersions } from '../lib/flow/steps/register/register.ts';
import { UsageError } from '../lib/util/errors.ts';

export default class Register extends Base {
  static override summary = 'Find new raw files, checksum them and enter them in the catalogue';
  static override description =
    'Looks for closed files in the buffer, computes their checksums and writes one data document for each run and level. Without a marker file, a file is closed when two looks find it unchanged; the command waits for the second look. A file that fits no run goes to quarantine with a reason. A file with new content is registered again, or waits for --accept or --reject when it already has a copy or a pass.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --level L1 --dry-run',
    '<%= config.bin %> <%= command.id %> --accept run001.dat --why "the DAQ had paused"',
    '<%= config.bin %> <%= command.id %> --reject run001.dat --why "a test with an old number"',
  ];
  static override exits = [0, 1, 2, 3, 5];
  static override flags = {
    ...changing,
    ...ofHosts,
    ...limit,
    ...level,
    ...secondLook,
    ...why,
    accept: Flags.string({
      description:
        'take the new content of this file: its copies are made again, passes of the old content become stale',
      helpValue: 'REF',
      multiple: true,
      multipleNonGreedy: true,
    }),
    reject: Flags.string({
      description: 'keep the registered content and move this file to the trash of the buffer',
      helpValue: 'REF',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  protected override idle =
    'nothing to do: the buffer has no new or changed file that is ready. Next: dflow why buffer';

  async run(): Promise<void> {
    const { flags } = await this.parse(Register);
    const { accept = [], reject = [] } = flags;
    const settling = accept.length + reject.length > 0;
    if (settling && flags.why === undefined)
      throw new UsageError('--accept and --reject need a reason', { hint: 'add --why TEXT' });
    const ports = await (settling ? this.ports(true) : this.stepPorts());
    if (settling) {
      const chosen = { accept, reject, why: flags.why ?? '' };
      return this.items(settleVersions(ports, { ...this.stepOptions(flags, {}), ...chosen }));
    }
    const options = this.stepOptions(flags, { levels: flags.level, wait: flags.wait });
    await this.items(beating(ports, 'register', register(ports, options), options));
  }
}
