// The pages of a SQLite file, read past all damage: records of tables and indexes by themselves, without the tree that
// leads to them. The format: https://www.sqlite.org/fileformat2.html. Knows nothing of stores.

export type Cell = null | number | string | Buffer;

export interface PageRecord {
  readonly from: 'table' | 'index';
  readonly cells: readonly Cell[];
}

const [TABLE_LEAF, INDEX_LEAF, INDEX_INNER] = [0x0d, 0x0a, 0x02];
const HEADER = 100;
const DEFAULT_SIZE = 4096;

export class Pages {
  readonly #bytes: Buffer;
  readonly #size: number;
  /** Bytes of a page that hold content. */
  readonly #usable: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const said = bytes.length >= HEADER ? bytes.readUInt16BE(16) : 0;
    const size = said === 1 ? 65_536 : said;
    // A damaged first page says nothing: what dflow makes has SQLite's own size.
    const sound = size >= 512 && (size & (size - 1)) === 0;
    this.#size = sound ? size : DEFAULT_SIZE;
    this.#usable = this.#size - (sound ? (bytes[20] ?? 0) : 0);
  }

  /** Every record that can be read; those on pages that SQLite has freed are old, and left out. */
  *records(): Generator<PageRecord, void, void> {
    const freed = this.#freed();
    for (let number = 1; number <= Math.ceil(this.#bytes.length / this.#size); number++) {
      if (!freed.has(number)) yield* this.#recordsOf(number);
    }
  }

  #page(number: number): Buffer {
    return this.#bytes.subarray((number - 1) * this.#size, number * this.#size);
  }

  /** Pages of the list of free ones, as far as it can be followed. */
  #freed(): Set<number> {
    const freed = new Set<number>();
    if (this.#bytes.length < HEADER) return freed;
    for (let trunk = this.#bytes.readUInt32BE(32); trunk > 0 && !freed.has(trunk); ) {
      const page = this.#page(trunk);
      if (page.length < this.#size) break;
      freed.add(trunk);
      const count = Math.min(page.readUInt32BE(4), this.#usable / 4 - 2);
      for (let index = 0; index < count; index++) freed.add(page.readUInt32BE(8 + 4 * index));
      trunk = page.readUInt32BE(0);
    }
    return freed;
  }

  *#recordsOf(number: number): Generator<PageRecord, void, void> {
    const page = this.#page(number);
    const at = number === 1 ? HEADER : 0;
    const kind = page[at];
    if (kind !== TABLE_LEAF && kind !== INDEX_LEAF && kind !== INDEX_INNER) return;
    const first = at + (kind === INDEX_INNER ? 12 : 8);
    if (page.length < first) return;
    const count = page.readUInt16BE(at + 3);
    for (let index = 0; index < count && first + 2 * index + 2 <= page.length; index++) {
      const cells = this.#cellsAt(page, page.readUInt16BE(first + 2 * index), kind);
      if (cells) yield { from: kind === TABLE_LEAF ? 'table' : 'index', cells };
    }
  }

  #cellsAt(page: Buffer, start: number, kind: number): Cell[] | undefined {
    try {
      const reader = new Reader(page, start + (kind === INDEX_INNER ? 4 : 0));
      const length = reader.varint();
      if (kind === TABLE_LEAF) reader.varint();
      const payload = this.#payload(page, reader.at, length, kind === TABLE_LEAF);
      return payload && recordOf(payload);
    } catch (error) {
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  /** The whole content of a cell, with what went to other pages. */
  #payload(page: Buffer, at: number, length: number, table: boolean): Buffer | undefined {
    const usable = this.#usable;
    if (length > this.#bytes.length) return undefined;
    const most = table ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
    if (length <= most) return at + length <= page.length ? page.subarray(at, at + length) : undefined;
    const least = Math.floor(((usable - 12) * 32) / 255) - 23;
    const fitting = least + ((length - least) % (usable - 4));
    const local = fitting <= most ? fitting : least;
    const parts = [page.subarray(at, at + local)];
    let left = length - local;
    for (let next = page.readUInt32BE(at + local); left > 0; ) {
      const more = this.#page(next);
      if (next === 0 || more.length < this.#size) return undefined;
      parts.push(more.subarray(4, 4 + Math.min(left, usable - 4)));
      left -= usable - 4;
      next = more.readUInt32BE(0);
    }
    return Buffer.concat(parts);
  }
}

class Reader {
  at: number;
  constructor(
    readonly bytes: Buffer,
    at: number,
  ) {
    this.at = at;
  }

  /** @throws RangeError beyond the end, or for a number that nothing here has */
  varint(): number {
    let value = 0;
    for (let count = 0; count < 9; count++) {
      const byte = this.bytes.readUInt8(this.at++);
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) return value;
    }
    throw new RangeError('a negative number');
  }
}

/** @throws RangeError the content is no record */
function recordOf(payload: Buffer): Cell[] {
  const reader = new Reader(payload, 0);
  const end = reader.varint();
  const types: number[] = [];
  while (reader.at < end) types.push(reader.varint());
  let at = end;
  return types.map((type) => {
    const length = lengthOf(type);
    if (at + length > payload.length) throw new RangeError('beyond the end');
    const cell = cellOf(payload.subarray(at, at + length), type);
    at += length;
    return cell;
  });
}

const LENGTHS = [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0];

function lengthOf(type: number): number {
  return type < 12 ? (LENGTHS[type] ?? 0) : Math.floor((type - 12) / 2);
}

function cellOf(bytes: Buffer, type: number): Cell {
  if (type === 0) return null;
  if (type === 8 || type === 9) return type - 8;
  if (type === 6) return Number(bytes.readBigInt64BE(0));
  if (type === 7) return bytes.readDoubleBE(0);
  if (type < 12) return bytes.readIntBE(0, bytes.length);
  return type % 2 === 1 ? bytes.toString('utf8') : bytes;
}
