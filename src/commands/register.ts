import { Flags } from '@oclif/core';
import { changing, level, limit, secondLook, why } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import { beating } from '../lib/flow/farms/beat.ts';
import { register, settleVersions } from '../lib/flow/steps/register/register.ts';
import { UsageError } from '../lib/util/errors.ts';

export default class Register extends Base {
  static override summary = 'Find new raw files, checksum them and enter them in the catalogue';
  static override description =
    'Looks through the buffer of each level for files that are closed and not yet known, checksums them, and makes one data document per run and level. Without a marker a file is closed when two looks, at most `settle` apart, find it unchanged: the command waits for the second one. What cannot be placed is quarantined with its reason; a file that changed after it was registered counts anew while it has no copy and no pass, else it waits for --accept or --reject. Complete runs are frozen with their evidence.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --level L1 --dry-run',
    '<%= config.bin %> <%= command.id %> --accept run001.dat --why "the DAQ had paused"',
    '<%= config.bin %> <%= command.id %> --reject run001.dat --why "a test with an old number"',
  ];
  static override exits = [0, 1, 2, 3, 5];
  static override flags = {
    ...changing,
    ...limit,
    ...level,
    ...secondLook,
    ...why,
    accept: Flags.string({
      description: 'the new content of this file is what counts: its copies are made anew, passes of the old are stale',
      helpValue: 'REF',
      multiple: true,
      multipleNonGreedy: true,
    }),
    reject: Flags.string({
      description: 'move this file to the trash of the buffer: what was registered counts',
      helpValue: 'REF',
      multiple: true,
      multipleNonGreedy: true,
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Register);
    const { accept = [], reject = [] } = flags;
    const settling = accept.length + reject.length > 0;
    if (settling && flags.why === undefined)
      throw new UsageError('--accept and --reject need a reason', { hint: 'add --why TEXT' });
    const ports = await this.ports(true);
    if (settling) {
      const chosen = { accept, reject, why: flags.why ?? '' };
      return this.items(settleVersions(ports, { ...this.stepOptions(flags, {}), ...chosen }));
    }
    const options = this.stepOptions(flags, { levels: flags.level, wait: flags.wait });
    await this.items(beating(ports, 'register', register(ports, options), options));
  }
}
