// What explains each word of `why`: a name of the experiment, a file, or a REF.
import { holdId, requestId } from '../../domain/ids.ts';
import { openHolds } from '../../flow/jobs/openholds.ts';
import type { ReadPorts } from '../../flow/ports.ts';
import { whyBuffer } from '../../flow/reports/buffer/buffer.ts';
import { isFileWord } from '../../flow/reports/look/replicarows.ts';
import { why } from '../../flow/reports/why/why.ts';
import { whyFarm } from '../../flow/reports/why/whyfarm.ts';
import { knownHosts, whyHost } from '../../flow/reports/why/whyhost.ts';
import type { WhyReport } from '../../flow/reports/why/whyreport.ts';
import { whyStorage } from '../../flow/reports/why/whystorage.ts';
import { requestIds, whyFile } from '../../flow/reports/why/whythings.ts';
import { UsageError } from '../../util/errors.ts';
import { suggestion } from '../../util/text/near.ts';
import { readRefs } from '../arguments/selection.ts';

/** The reports of every word, in their order. @throws UsageError for a word that names nothing */
export async function explained(ports: ReadPorts, words: readonly string[]): Promise<WhyReport[]> {
  // A look at runs and passes reads no names.
  const known = words.every((word) => REF.test(word)) ? new Map() : await knownNames(ports);
  const reports: WhyReport[] = [];
  for (const word of words) reports.push(...(await explainedWord(ports, word, known)));
  return reports;
}

async function explainedWord(ports: ReadPorts, word: string, known: Names): Promise<WhyReport[]> {
  const found = known.get(word);
  if (found) return found();
  if (isFileWord(word) && !REF.test(word)) {
    const files = await whyFile(ports, word);
    if (files.length > 0) return files;
  }
  checkName(word, [...known.keys()]);
  return (await Promise.all((await readRefs([word])).map((ref) => why(ports, ref)))).flat();
}

/** A run, a range of runs, a pass, or the id of a document. */
const REF = /^\d+(?:[/-]|$)|:/;

type Names = ReadonlyMap<string, () => Promise<WhyReport[]>>;

/** Reports by name. Things with the same name are all explained, in this order. */
async function knownNames(ports: ReadPorts): Promise<Names> {
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
