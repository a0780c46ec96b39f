// Raw files as the event builder writes them: ZEBRA exchange mode, big-endian 32-bit words. Finds banks by their
// names and checks the structure on the way. Knows nothing of files, runs or jobs.

/** Words and bytes of a physical record, its steering block of eight words included. */
export const RECORD_WORDS = 3840;
export const RECORD_BYTES = RECORD_WORDS * 4;
const STEERING_BYTES = 32;
export const MAGIC = [0x0123cdef, 0x80708070, 0x4321abcd, 0x80618061] as const;
/** More hits than the detector has channels: the bank is damaged. */
const MAX_NHIT = 10_240;
/** Data words of a ZDAB bank before its hits; each hit takes three more. */
const EVENT_WORDS = 11;
/** Data words of an RHDR bank that are read: up to the run mask. */
const HEADER_WORDS = 7;
/** From a bank's name to its first data word, bytes. */
const NAME_TO_DATA = 20;

/** The file is damaged at `offset` (bytes from its beginning). */
export class ZdabError extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(`offset ${offset}: ${message}`);
    this.name = 'ZdabError';
    this.offset = offset;
  }
}

/** Run number and run type mask; the mask is absent where the bytes hold events but no run header. */
export interface RunHeader {
  readonly run: number;
  readonly mask?: number;
}

export interface RawEvent {
  readonly run: number;
  readonly event: number;
  /** Number of PMTs hit. */
  readonly nhit: number;
}

/** The words between the steering blocks, joined, and where each stretch of them came from. */
interface Stream {
  readonly bytes: Buffer;
  /** Offset in the file of an offset in the stream. */
  at(offset: number): number;
}

interface Bank {
  /** Of the name, in the stream. */
  readonly offset: number;
  readonly words: number;
}

/**
 * Run and mask from the RHDR bank; without one the run number of the first event; `undefined` when these bytes hold
 * neither. `bytes` is the beginning of a file: the last record may be cut.
 * @throws ZdabError when the bytes are not a raw file, or are damaged before the header
 */
export function parseRunHeader(bytes: Buffer): RunHeader | undefined {
  const stream = strip(bytes, 'beginning');
  const header = nextBank(stream, 'RHDR', 0);
  if (header && fits(stream, header)) {
    if (header.words < HEADER_WORDS)
      throw new ZdabError(`RHDR has ${header.words} data words`, stream.at(header.offset));
    return { run: word(stream, header, 3), mask: word(stream, header, 6) };
  }
  const event = nextBank(stream, 'ZDAB', 0);
  return event && fits(stream, event) ? { run: eventOf(stream, event).run } : undefined;
}

/**
 * Every event of a whole file, in order. An event is a ZDAB bank found by its name, also one in what ZEBRA calls
 * padding: the sample of the real detector has two of its three there.
 * @throws ZdabError at the first damage; the events before it were yielded
 */
export function* events(bytes: Buffer): Generator<RawEvent, void, void> {
  const stream = strip(bytes, 'whole');
  for (let from = 0; ; ) {
    const bank = nextBank(stream, 'ZDAB', from);
    if (!bank) return;
    if (!fits(stream, bank)) {
      throw new ZdabError(
        `a ZDAB bank of ${bank.words} data words runs beyond the end of the file`,
        stream.at(bank.offset),
      );
    }
    yield eventOf(stream, bank);
    from = bank.offset + NAME_TO_DATA + bank.words * 4;
  }
}

function eventOf(stream: Stream, bank: Bank): RawEvent {
  const at = stream.at(bank.offset);
  if (bank.words < EVENT_WORDS) throw new ZdabError(`ZDAB has ${bank.words} data words`, at);
  const nhit = word(stream, bank, 3) & 0xffff;
  if (nhit > MAX_NHIT) throw new ZdabError(`nhit ${nhit} is over ${MAX_NHIT}`, at);
  if (bank.words < EVENT_WORDS + 3 * nhit) {
    throw new ZdabError(`ZDAB has ${bank.words} data words, nhit ${nhit} needs ${EVENT_WORDS + 3 * nhit}`, at);
  }
  return { run: word(stream, bank, 1), event: word(stream, bank, 2), nhit };
}

function word(stream: Stream, bank: Bank, index: number): number {
  return stream.bytes.readUInt32BE(bank.offset + NAME_TO_DATA + index * 4);
}

/** False when the bank runs beyond the stream: cut off, or its size is damaged. */
function fits(stream: Stream, bank: Bank): boolean {
  return bank.offset + NAME_TO_DATA + bank.words * 4 <= stream.bytes.length;
}

function nextBank(stream: Stream, name: string, from: number): Bank | undefined {
  for (let offset = from; ; offset++) {
    offset = stream.bytes.indexOf(name, offset, 'latin1');
    if (offset < 0) return undefined;
    if (offset % 4 !== 0) continue;
    const cut = offset + NAME_TO_DATA > stream.bytes.length;
    return { offset, words: cut ? Number.POSITIVE_INFINITY : stream.bytes.readUInt32BE(offset + 12) };
  }
}

/** Takes the steering blocks out, so that a logical record that runs over lies in one piece. */
function strip(bytes: Buffer, extent: 'whole' | 'beginning'): Stream {
  if (extent === 'whole' && bytes.length === 0) throw new ZdabError('the file is empty', 0);
  const pieces: Buffer[] = [];
  const starts: { stream: number; file: number }[] = [];
  let length = 0;
  for (let offset = 0; offset < bytes.length; ) {
    const record = recordAt(bytes, offset, extent);
    starts.push({ stream: length, file: record.start });
    pieces.push(bytes.subarray(record.start, record.end));
    length += Math.max(0, record.end - record.start);
    offset = record.end;
  }
  const at = (offset: number): number => {
    const piece = starts.findLast((start) => start.stream <= offset) ?? { stream: 0, file: 0 };
    return piece.file + offset - piece.stream;
  };
  return { bytes: Buffer.concat(pieces), at };
}

/** Where the contents of the physical record at `offset` lie; fast blocks that follow it have no steering block. */
function recordAt(bytes: Buffer, offset: number, extent: 'whole' | 'beginning'): { start: number; end: number } {
  const left = bytes.length - offset;
  for (const [index, magic] of MAGIC.entries()) {
    if (left >= (index + 1) * 4 && bytes.readUInt32BE(offset + index * 4) !== magic) {
      throw new ZdabError('no physical record: the magic words are wrong', offset);
    }
  }
  if (left < STEERING_BYTES) {
    if (extent === 'whole') throw new ZdabError('truncated in a physical record', bytes.length);
    return { start: bytes.length, end: bytes.length };
  }
  const size = bytes.readUInt32BE(offset + 16) & 0xffffff;
  if (size !== RECORD_WORDS)
    throw new ZdabError(`a physical record of ${size} words, not ${RECORD_WORDS}`, offset + 16);
  const end = offset + RECORD_BYTES * (1 + bytes.readUInt32BE(offset + 28));
  if (end > bytes.length && extent === 'whole') throw new ZdabError('truncated in a physical record', bytes.length);
  return { start: offset + STEERING_BYTES, end: Math.min(end, bytes.length) };
}
