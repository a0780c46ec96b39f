import { all, refs } from '../lib/cli/arguments/flags.ts';
import { readRefs } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { whyBuffer } from '../lib/flow/reports/buffer/buffer.ts';
import { whyAll } from '../lib/flow/reports/why/all/whyall.ts';
import { why } from '../lib/flow/reports/why/why.ts';
import { whyFarm } from '../lib/flow/reports/why/whyfarm.ts';
import { knownHosts, whyHost } from '../lib/flow/reports/why/whyhost.ts';
import type { WhyReport } from '../lib/flow/reports/why/whyreport.ts';
import { whyStorage } from '../lib/flow/reports/why/whystorage.ts';
import { whyText } from '../lib/render/why.ts';
import { UsageError } from '../lib/util/errors.ts';
import { suggestion } from '../lib/util/text/near.ts';

export default class Why extends Base {
  static override summary = 'Explain why a run or a job is not done, and what to type';
  static override description =
    'Checks each condition of a run or a pass and prints it with its evidence, since when it holds, and the command that clears it. The rules are those of enqueue and submit. `dflow why buffer` explains what fills the buffer. A name of a storage element, a farm or a host is explained too. With --all: everything that needs a person, by reason.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109134 Analysis40',
    '<%= config.bin %> <%= command.id %> 109134/Analysis40/2 --json',
    '<%= config.bin %> <%= command.id %> buffer',
    '<%= config.bin %> <%= command.id %> ral',
    '<%= config.bin %> <%= command.id %> login1',
    '<%= config.bin %> <%= command.id %> --all',
  ];
  static override strict = false;
  static override args = refs;
  static override flags = { ...all };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Why);
    const words = joined(argv.map(String));
    if (words.length === 0 && !flags.all) {
      throw new UsageError('a REF is required', {
        hint: 'dflow why 109134, or: dflow why 109134 Analysis40, or: dflow why --all',
      });
    }
    const ports = await this.ports(false);
    if (flags.all) return this.rows('reasons', whyAll(ports));
    const elements = new Set(ports.settings.storages.map(({ name }) => name));
    const farms = new Set(ports.settings.farms.map(({ name }) => name));
    // A look at runs and passes reads no sign of life.
    const hosts = words.every((word) => REF.test(word)) ? new Set<string>() : await knownHosts(ports);
    const known = ['buffer', ...elements, ...farms, ...hosts];
    const places = words.filter((word) => known.includes(word));
    for (const place of places) {
      if (place === 'buffer') this.report(await whyBuffer(ports));
      if (elements.has(place)) this.report(await whyStorage(ports, place));
      if (farms.has(place)) this.report(await whyFarm(ports, place));
      if (hosts.has(place)) this.report(await whyHost(ports, place));
    }
    const others = words.filter((word) => !places.includes(word));
    for (const word of others) checkPlace(word, known);
    for (const ref of await readRefs(others)) {
      for (const report of await why(ports, ref)) this.report(report);
    }
  }

  private first = true;

  private report(report: WhyReport): void {
    if (this.out.format === 'json') this.out.json({ kind: 'why', ...report });
    else this.out.line(`${this.first ? '' : '\n'}${whyText(report, this.out.width)}`);
    this.first = false;
  }
}

/** A run, a range of runs, a pass, or the id of a document. */
const REF = /^\d+(?:[/-]|$)|:/;

/** A word without a number, a slash or a colon can only be a place. @throws UsageError no place has this name */
function checkPlace(word: string, known: readonly string[]): void {
  if (!/^[A-Za-z][\w.-]*$/.test(word)) return;
  throw new UsageError(`'${word}' is not a run, a storage element, a farm or a host`, {
    hint: suggestion(word, known),
  });
}

/** `109134 Analysis40` is the same as `109134/Analysis40`. */
function joined(words: readonly string[]): string[] {
  const [run, module] = words;
  if (words.length === 2 && /^\d+$/.test(run ?? '') && /^[A-Za-z]/.test(module ?? '')) return [`${run}/${module}`];
  return [...words];
}
