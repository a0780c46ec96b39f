// Processing: raw file (ZDAB) in, one JSON line per event out: {"run":109134,"event":17,"nhit":41}
// usage: node processing.mjs INPUT... OUTPUT
// A damaged file ends it with exit 2 and `file: offset N: what` on stderr.
import { readFileSync, writeFileSync } from 'node:fs';

const RECORD = 3840 * 4; // bytes of a physical record, its eight steering words included
const MAGIC = [0x0123cdef, 0x80708070, 0x4321abcd, 0x80618061];

class Damage extends Error {
  constructor(offset, what) {
    super(`offset ${offset}: ${what}`);
  }
}

/** The file without its steering words, so that an event that runs over lies in one piece. */
function contents(file) {
  if (file.length === 0 || file.length % RECORD !== 0) throw new Damage(file.length, 'truncated');
  const pieces = [];
  for (let at = 0; at < file.length; at += RECORD) {
    if (MAGIC.some((word, i) => file.readUInt32BE(at + i * 4) !== word)) throw new Damage(at, 'wrong magic words');
    pieces.push(file.subarray(at + 32, at + RECORD));
  }
  return Buffer.concat(pieces);
}

/** Offset in the file of an offset in its contents. */
const inFile = (offset) => offset + 32 * (1 + Math.floor(offset / (RECORD - 32)));

/** A bank is its name, two counts of links, the number of data words, a status word, and the data. */
function* events(file) {
  const data = contents(file);
  let at = data.indexOf('ZDAB');
  for (; at >= 0; at = data.indexOf('ZDAB', at)) {
    if (at % 4 !== 0) {
      at += 1;
      continue;
    }
    const words = at + 20 <= data.length ? data.readUInt32BE(at + 12) : Number.POSITIVE_INFINITY;
    if (at + 20 + words * 4 > data.length) throw new Damage(inFile(at), `${words} data words, beyond the end`);
    if (words < 11) throw new Damage(inFile(at), `an event of ${words} data words`);
    const nhit = data.readUInt32BE(at + 32) & 0xffff;
    if (nhit > 10240 || words < 11 + 3 * nhit) throw new Damage(inFile(at), `nhit ${nhit} in ${words} data words`);
    yield { run: data.readUInt32BE(at + 24), event: data.readUInt32BE(at + 28), nhit };
    at += 20 + words * 4;
  }
}

const inputs = process.argv.slice(2, -1);
const output = process.argv.at(-1);
const lines = [];
for (const input of inputs) {
  try {
    for (const event of events(readFileSync(input))) lines.push(JSON.stringify(event));
  } catch (error) {
    process.stderr.write(`${input}: ${error.message}\n`);
    process.exit(2);
  }
}
writeFileSync(output, lines.map((line) => `${line}\n`).join(''));
process.stdout.write(`${lines.length} events\n`);
