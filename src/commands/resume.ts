import { all, changing, refs, why } from '../lib/cli/arguments/flags.ts';
import { nothingNamed, readRefs } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { holdId } from '../lib/domain/ids.ts';
import { openHolds } from '../lib/flow/jobs/openholds.ts';
import { resume } from '../lib/flow/switches/holds.ts';
import { calibrationHoldId } from '../lib/flow/switches/mask.ts';
import { UsageError } from '../lib/util/errors.ts';

export default class Resume extends Base {
  static override summary = 'End holds, so that stopped jobs and copies go on';
  static override description =
    'Ends holds by their id (with or without `hold:`). A run number ends the calibration hold of that run. Jobs that waited for the hold are checked again.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> hold:pause-x7k2ab --why "optics corrected"',
    '<%= config.bin %> <%= command.id %> 109120 --why validated',
  ];
  static override strict = false;
  static override args = refs;
  static override flags = { ...changing, ...all, ...why };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Resume);
    const words = argv.map(String);
    if (words.length === 0 && !flags.all) {
      throw new UsageError('a hold or --all is required', { hint: 'dflow list holds' });
    }
    const ports = await this.ports(true);
    const ids = flags.all ? (await openHolds(ports.store)).map((hold) => hold._id) : await idsOf(words);
    if (ids.length === 0 && !flags.all) throw nothingNamed(words, 'hold');
    await this.items(resume(ports, ids, flags.why ?? 'resumed', this.stepOptions(flags, {})));
  }
}

async function idsOf(words: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const word of words) {
    if (word !== '-' && !/^@|^\d+$|^[a-z]+:/.test(word)) ids.push(holdId(word));
    else for (const ref of await readRefs([word])) ids.push(ref.id ?? calibrationHoldId(ref.run ?? 0));
  }
  return ids;
}
