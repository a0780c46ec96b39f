// What the demo experiment's raw files say, decoded here by following ZEBRA's logical records (the program scans for bank
// names) and summed with an adler32 of our own; and what must have become of its passes.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface RawEvent {
  run: number;
  event: number;
  nhit: number;
}
export interface Raw {
  name: string;
  run: number;
  subrun: number;
  closed: boolean;
  adler32: string;
  mask: number;
  /** Absent where the file is damaged. */
  events?: RawEvent[];
}

export function adler32(bytes: Uint8Array): string {
  let [a, b] = [1, 0];
  for (const byte of bytes) {
    a = (a + byte) % 65521;
    b = (b + a) % 65521;
  }
  return (b * 65536 + a).toString(16).padStart(8, '0');
}

/** Follows lengths, never looks for names: pilot of ten words, five words of links, then name, sizes and data. */
function decode(bytes: Buffer): { mask: number; events?: RawEvent[] } {
  const words: number[] = [];
  for (let at = 0; at < bytes.length; at += 4) if (at % 15360 >= 32) words.push(bytes.readUInt32BE(at));
  let mask = -1;
  let damaged = false;
  const events: RawEvent[] = [];
  for (let at = 0; at < words.length - 1 && words[at + 1] !== 5 && words[at + 1] !== 0; at += 2 + words[at]!) {
    const record = words.slice(at + 2, at + 2 + words[at]!);
    const data = record.slice(20);
    if (record[15] === 0x52484452) mask = data[6]!;
    if (record[15] !== 0x5a444142) continue;
    const nhit = data[3]! & 0xffff;
    if (data.length !== 11 + 3 * nhit) damaged = true;
    events.push({ run: data[1]!, event: data[2]!, nhit });
  }
  return damaged ? { mask } : { mask, events };
}

/** The raw files of the demo in `folder`. */
export function rawFiles(folder: string): Raw[] {
  const names = readdirSync(join(folder, 'raw/l1'));
  return names
    .filter((name) => name.endsWith('.zdab'))
    .sort()
    .map((name) => {
      const bytes = readFileSync(join(folder, 'raw/l1', name));
      const [, run, subrun] = name.split(/[_.]/);
      return {
        name,
        run: Number(run),
        subrun: Number(subrun),
        closed: names.includes(`${name}_closed`),
        adler32: adler32(bytes),
        ...decode(bytes),
      };
    });
}

export const closedFiles = (raws: readonly Raw[]): Raw[] => raws.filter((raw) => raw.run < 1_000_000 && raw.closed);

/** Run -> its files, for runs without a gap or an open file, after which another run has begun. */
export function completeRuns(raws: readonly Raw[]): Map<number, Raw[]> {
  const good = raws.filter((raw) => raw.run < 1_000_000);
  const last = Math.max(...closedFiles(raws).map((raw) => raw.run));
  const byRun = new Map<number, Raw[]>();
  for (const raw of good) byRun.set(raw.run, [...(byRun.get(raw.run) ?? []), raw]);
  return new Map(
    [...byRun].filter(([run, files]) => run < last && files.every((raw, index) => raw.closed && raw.subrun === index)),
  );
}

/** What must have become of each pass: from masks, run tables and which files can be decoded. */
export function expectedPasses(folder: string, raws: readonly Raw[]): Record<string, string> {
  const tables = readdirSync(join(folder, 'ratdb')).map((name) => readFileSync(join(folder, 'ratdb', name), 'utf8'));
  const tabled = new Set(tables.map((text) => Number(/run_range: \[(\d+)/.exec(text)?.[1])));
  const passes: Record<string, string> = {};
  for (const [run, files] of completeRuns(raws)) {
    if (!tabled.has(run)) continue;
    const mask = files[0]!.mask;
    const decodable = files.filter((raw) => raw.events).length;
    if (mask & 0b101100) passes[`${run}/Processing`] = decodable === files.length ? 'completed' : 'partFail';
    if (mask & 0b001100) passes[`${run}/Analysis40`] = decodable === files.length ? 'completed' : 'unsatisfied';
  }
  return passes;
}
