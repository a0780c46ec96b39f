import { all, changing, refs, why, yes } from '../lib/cli/arguments/flags.ts';
import { nothingNamed, readWords } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { holdsNamed } from '../lib/domain/heldby.ts';
import { coverText, endText, type HoldDoc } from '../lib/domain/hold.ts';
import { holdId } from '../lib/domain/ids.ts';
import { openHolds } from '../lib/flow/jobs/openholds.ts';
import { resume } from '../lib/flow/switches/holds.ts';
import { calibrationHoldId } from '../lib/flow/switches/mask.ts';
import { UsageError } from '../lib/util/errors.ts';

export default class Resume extends Base {
  static override summary = 'End holds, so that stopped jobs and copies go on';
  static override description =
    'Ends holds by their id (with or without `hold:`), or by what they cover: a farm, a storage element, a module, a version, a request or a run. A run number ends the calibration hold of that run. Where several holds cover the same, they are listed, and a terminal asks. Jobs that waited for the hold are checked again.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> hold:pause-x7k2ab --why "optics corrected"',
    '<%= config.bin %> <%= command.id %> ral',
    '<%= config.bin %> <%= command.id %> 109120 --why validated',
  ];
  static override strict = false;
  static override args = refs;
  static override flags = { ...changing, ...yes, ...all, ...why };

  protected override idle = 'nothing to do: no hold is in force';

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Resume);
    const words = argv.map(String);
    if (words.length === 0 && !flags.all) {
      throw new UsageError('a hold or --all is required', { hint: 'dflow list holds' });
    }
    const ports = await this.ports(true);
    const open = await openHolds(ports.store);
    const ids = flags.all ? open.map((hold) => hold._id) : [];
    for (const word of flags.all ? [] : await readWords(words)) ids.push(...(await this.idsOf(open, word, flags)));
    if (ids.length === 0 && !flags.all) throw nothingNamed(words, 'hold');
    await this.items(resume(ports, [...new Set(ids)], flags.why ?? 'resumed', this.stepOptions(flags, {})));
  }

  /** What the word names; several are only ended together where a person says so. */
  private async idsOf(
    open: readonly HoldDoc[],
    word: string,
    flags: { readonly yes: boolean; readonly 'dry-run'?: boolean },
  ): Promise<string[]> {
    const found = holdsNamed(open, word);
    if (found.length === 0) return [asId(word)];
    const ids = found.map(({ _id }) => _id);
    if (ids.length > 1 && !flags['dry-run']) {
      const list = found.map((hold) => `  ${hold._id}  ${coverText(hold.scope)}: ${hold.why}${endText(hold)}`);
      const text = `${ids.length} holds cover '${word}':\n${list.join('\n')}\nEnd all of them?`;
      await this.confirm(text, flags.yes);
    }
    return ids;
  }
}

/** The id that a word means: the number of a calibration run, or an id with or without `hold:`. */
function asId(word: string): string {
  if (/^\d{1,10}$/.test(word)) return calibrationHoldId(Number(word));
  return word.includes(':') ? word : holdId(word);
}
