// Writes raw files as the event builder does: ZEBRA banks in logical records in physical records of 3840 words.
// The opposite of domain/formats/zdab.ts, for the demo; knows only words.
import { MAGIC, RECORD_BYTES, RECORD_WORDS } from '../../domain/formats/zdab.ts';

export interface MadeEvent {
  /** Global trigger id. */
  readonly event: number;
  readonly nhit: number;
}

/** Date and time as the builder writes them: 20260714, 9020000 (hundredths of a second). */
export interface MadeHeader {
  readonly run: number;
  readonly mask: number;
  readonly date: number;
  readonly time: number;
}

const STEERING_WORDS = 8;
/** Kinds of logical records. */
const RUN_RECORD = 1;
const DATA_RECORD = 2;
const PADDING = 5;

/** A whole raw file. `random` gives 32-bit words: the hits. */
export function rawFile(header: MadeHeader, events: readonly MadeEvent[], random: () => number): Buffer {
  const words = [
    ...logicalRecord(RUN_RECORD, [header.run]),
    ...dataRecord('RHDR', headerWords(header, events[0]?.event ?? 0)),
    ...events.flatMap((event) => dataRecord('ZDAB', eventWords(header.run, event, random))),
  ];
  return physicalRecords(words);
}

function headerWords({ run, mask, date, time }: MadeHeader, gtid: number): number[] {
  const [daqVersion, trial, sourceMask, crateMask] = [0x0700_0008, 0, 0, 0x7ffff];
  return [date, time, daqVersion, run, trial, sourceMask, mask, crateMask, gtid, gtid, 0, 0, 0, 0, 0, 0, 0, 0];
}

function eventWords(run: number, { event, nhit }: MadeEvent, random: () => number): number[] {
  const trigger = [random(), random(), random(), random(), 0x0f00_de95, 0x61ac_0000, 0];
  return [0x1417_000b, run, event, nhit, ...trigger, ...Array.from({ length: 3 * nhit }, random)];
}

/** One bank in a logical record of its own, behind the ten words of ZEBRA's pilot. */
function dataRecord(name: string, data: readonly number[]): number[] {
  const [next, up, origin, number, links, structuralLinks, status] = [0, 0x147, 0x141, 6, 0, 0, 0];
  const heading = [0x0002_000c, next, up, origin, number, Buffer.from(name).readUInt32BE(), links, structuralLinks];
  const bank = [...heading, data.length, status, ...data];
  return logicalRecord(DATA_RECORD, [0x4640_e400, 0x9344, 0, 0, 0, 0, 0, bank.length, 0, 0, ...bank]);
}

function logicalRecord(type: number, body: readonly number[]): number[] {
  return [body.length, type, ...body];
}

/** Cuts the stream of words; each record says where the first logical record that begins in it lies. */
function physicalRecords(words: readonly number[]): Buffer {
  const room = RECORD_WORDS - STEERING_WORDS;
  const count = Math.ceil(words.length / room);
  const bytes = Buffer.alloc(count * RECORD_BYTES);
  const starts = recordStarts(words);
  for (let record = 0; record < count; record++) {
    const from = record * room;
    const first = starts.find((start) => start >= from);
    const offset = first !== undefined && first < from + room ? first - from + STEERING_WORDS : 0;
    const body = words.slice(from, from + room);
    const steering = [...MAGIC, RECORD_WORDS, record, offset, 0];
    const rest = room - body.length;
    const padded = rest > 0 ? [...body, rest - 1, ...(rest > 1 ? [PADDING] : [])] : body;
    for (const [index, word] of [...steering, ...padded].entries()) {
      bytes.writeUInt32BE(word >>> 0, record * RECORD_BYTES + index * 4);
    }
  }
  return bytes;
}

function recordStarts(words: readonly number[]): number[] {
  const starts: number[] = [];
  for (let at = 0; at < words.length; at += 2 + (words[at] ?? 0)) starts.push(at);
  return starts;
}
