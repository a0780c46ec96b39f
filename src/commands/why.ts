import { all, refs } from '../lib/cli/arguments/flags.ts';
import { readRefs } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { holdId, requestId } from '../lib/domain/ids.ts';
import { openHolds } from '../lib/flow/jobs/openholds.ts';
import type { Ports } from '../lib/flow/ports.ts';
import { whyBuffer } from '../lib/flow/reports/buffer/buffer.ts';
import { isFileWord } from '../lib/flow/reports/look/replicarows.ts';
import { whyAll } from '../lib/flow/reports/why/all/whyall.ts';
import { why } from '../lib/flow/reports/why/why.ts';
import { whyFarm } from '../lib/flow/reports/why/whyfarm.ts';
import { knownHosts, whyHost } from '../lib/flow/reports/why/whyhost.ts';
import type { WhyReport } from '../lib/flow/reports/why/whyreport.ts';
import { whyStorage } from '../lib/flow/reports/why/whystorage.ts';
import { requestIds, whyFile } from '../lib/flow/reports/why/whythings.ts';
import { together, whyText } from '../lib/render/why.ts';
import { UsageError } from '../lib/util/errors.ts';
import { suggestion } from '../lib/util/text/near.ts';

export default class Why extends Base {
  static override summary = 'Explain why a run or a job is not done, and what to type';
  static override description =
    'The first line is the verdict. Then comes each condition of a run or a pass with its evidence, since when it holds, and the command that clears it; prerequisites are followed to the one that stops everything. The rules are those of enqueue and submit. Farms, storage elements, hosts, requests, holds, files and quarantine entries are explained by their name, and what fills the buffer by `buffer`. Without a REF, or with --all: everything that needs a person, by reason, the biggest first.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> 109134 Analysis40',
    '<%= config.bin %> <%= command.id %> 109134/Analysis40/2 --json',
    '<%= config.bin %> <%= command.id %> buffer',
    '<%= config.bin %> <%= command.id %> ral',
    '<%= config.bin %> <%= command.id %> login1',
    '<%= config.bin %> <%= command.id %> tl-july',
    '<%= config.bin %> <%= command.id %> SNOP_0000109134_002.zdab',
    '<%= config.bin %> <%= command.id %> --all',
  ];
  static override strict = false;
  static override args = refs;
  static override flags = { ...all };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Why);
    const words = joined(argv.map(String));
    const ports = await this.ports(false);
    if (flags.all || words.length === 0) return this.rows('reasons', whyAll(ports));
    // A look at runs and passes reads no names.
    const known = words.every((word) => REF.test(word)) ? new Map() : await knownNames(ports);
    const reports: WhyReport[] = [];
    for (const word of words) reports.push(...(await this.explained(ports, word, known)));
    this.report(reports);
  }

  private async explained(ports: Ports, word: string, known: Names): Promise<WhyReport[]> {
    const found = known.get(word);
    if (found) return found();
    if (isFileWord(word) && !REF.test(word)) {
      const files = await whyFile(ports, word);
      if (files.length > 0) return files;
    }
    checkName(word, [...known.keys()]);
    return (await Promise.all((await readRefs([word])).map((ref) => why(ports, ref)))).flat();
  }

  private report(reports: readonly WhyReport[]): void {
    if (this.out.format === 'json') for (const report of reports) this.out.json({ kind: 'why', ...report });
    else {
      const texts = together(reports).map(({ report, refs: all }) => whyText(report, this.out.width, all));
      if (texts.length > 0) this.out.line(texts.join('\n\n'));
    }
  }
}

/** A run, a range of runs, a pass, or the id of a document. */
const REF = /^\d+(?:[/-]|$)|:/;

type Names = ReadonlyMap<string, () => Promise<WhyReport[]>>;

/** What has a name, and what explains it. The first of a name wins, and what has the same name follows it. */
async function knownNames(ports: Ports): Promise<Names> {
  const names = new Map<string, () => Promise<WhyReport[]>>();
  const add = (name: string, explain: () => Promise<WhyReport[]>): void => {
    const before = names.get(name);
    names.set(name, before ? async () => [...(await before()), ...(await explain())] : explain);
  };
  const { storages, farms } = ports.settings;
  add('buffer', async () => [await whyBuffer(ports)]);
  for (const { name } of storages) add(name, async () => [await whyStorage(ports, name)]);
  for (const { name } of farms) add(name, async () => [await whyFarm(ports, name)]);
  for (const name of await knownHosts(ports)) add(name, async () => [await whyHost(ports, name)]);
  for (const id of await requestIds(ports)) add(id.slice(requestId('').length), () => why(ports, { text: id, id }));
  for (const { _id: id } of await openHolds(ports.store))
    add(id.slice(holdId('').length), () => why(ports, { text: id, id }));
  return names;
}

/** A word without a number, a slash or a colon can only be a name. @throws UsageError nothing has this name */
function checkName(word: string, known: readonly string[]): void {
  if (!/^[A-Za-z][\w.-]*$/.test(word)) return;
  throw new UsageError(`'${word}' is not a run, a storage element, a farm, a host, a request, a hold or a file`, {
    hint: suggestion(word, known),
  });
}

/** `109134 Analysis40` is the same as `109134/Analysis40`. */
function joined(words: readonly string[]): string[] {
  const [run, module] = words;
  if (words.length === 2 && /^\d+$/.test(run ?? '') && /^[A-Za-z]/.test(module ?? '')) return [`${run}/${module}`];
  return [...words];
}
