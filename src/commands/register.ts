import { Base } from '../lib/cli/base.ts';
import { changing, level, limit, secondLook } from '../lib/cli/flags.ts';
import { beating } from '../lib/flow/farms/beat.ts';
import { register } from '../lib/flow/steps/register/register.ts';

export default class Register extends Base {
  static override summary = 'Find new raw files, checksum them and enter them in the catalogue';
  static override description =
    'Looks through the buffer of each level for files that are closed and not yet known, checksums them, and makes one data document per run and level. Without a marker a file is closed when two looks, at most `settle` apart, find it unchanged: the command waits for the second one. What cannot be placed is quarantined with its reason; a file that changed after it was registered is reported, never replaced. Complete runs are frozen with their evidence.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --level L1 --dry-run',
  ];
  static override exits = [0, 1, 2, 3, 5];
  static override flags = { ...changing, ...limit, ...level, ...secondLook };

  async run(): Promise<void> {
    const { flags } = await this.parse(Register);
    const ports = await this.ports(true);
    const options = this.stepOptions(flags, { levels: flags.level, wait: flags.wait });
    await this.items(beating(ports, 'register', register(ports, options), options));
  }
}
