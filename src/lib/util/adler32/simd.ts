// adler32 over 16 bytes at a time, a WebAssembly module assembled from named instructions. hash-wasm's is scalar and
// copies (2.8 GB/s; this one 20 GB/s on the same core).
//
// With a, b the two sums, a row of 64 bytes x0..x63 adds  64a + 64x0 + 63x1 + ... + 1x63  to b, and its bytes to a. So
// within a block of rows are kept: the sum of each of the 64 columns (to be weighted once, at the end), the sum of all
// bytes, and the sum of those sums before each row. 256 rows at most, or a column's 16 bits would overflow.

const [I32, I64, V128, BLOCK] = [0x7f, 0x7e, 0x7b, 0x40];
const ROW = 64;
const ROWS = 256;
const MODULUS = 65521;

type Code = readonly number[];

function unsigned(value: number): number[] {
  const low = value & 0x7f;
  return value < 0x80 ? [low] : [low | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const low = value & 0x7f;
  const last = value >> 6 === 0 || value >> 6 === -1;
  return last ? [low] : [low | 0x80, ...signed(value >> 7)];
}

/** A block of instructions, one after the other. */
const seq = (...code: readonly Code[]): number[] => code.flat();
const times = (count: number, code: (index: number) => Code): number[] =>
  Array.from({ length: count }, (_, index) => code(index)).flat();

const get = (local: number) => [0x20, ...unsigned(local)];
const set = (local: number) => [0x21, ...unsigned(local)];
const tee = (local: number) => [0x22, ...unsigned(local)];
const i32 = (value: number) => [0x41, ...signed(value)];
const i64 = (value: number) => [0x42, ...signed(value)];
const end = [0x0b];
const block = (...code: readonly Code[]) => [0x02, BLOCK, ...code.flat(), ...end];
const loop = (...code: readonly Code[]) => [0x03, BLOCK, ...code.flat(), ...end];
const branch = (depth: number) => [0x0c, depth];
const branchIf = (depth: number) => [0x0d, depth];
const select = [0x1b];
const load8 = [0x31, 0, 0];
const i32Op = {
  eqz: [0x45],
  eq: [0x46],
  ltU: [0x49],
  add: [0x6a],
  sub: [0x6b],
  and: [0x71],
  or: [0x72],
  shl: [0x74],
  shrU: [0x76],
};
const i64Op = { add: [0x7c], mul: [0x7e], remU: [0x82], extendU: [0xad] };
const wrap = [0xa7];

const vector = (op: number) => [0xfd, ...unsigned(op)];
const load = (offset: number) => [...vector(0x00), 4, ...unsigned(offset)];
const constant = (halves: readonly number[]) => [
  ...vector(0x0c),
  ...halves.flatMap((half) => [half & 0xff, half >> 8]),
];
const lane = (index: number) => [...vector(0x1b), index];
const pairsOfBytes = vector(0x7d);
const lowBytes = vector(0x89);
const highBytes = vector(0x8a);
const add16 = vector(0x8e);
const add32 = vector(0xae);
const dot16 = vector(0xba);
const mulLow16 = vector(0xbe);
const mulHigh16 = vector(0xbf);

// Parameters: the checksum so far, first byte, end. Then locals.
const [STATE, AT, END, STOP, A, B, BEFORE, SUM, X, T, COLUMN] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
const COLUMNS = 8;

const zero = constant(Array(8).fill(0));
const ones = constant(Array(8).fill(1));
const clear = (local: number) => seq(zero, set(local));
const modulo = seq(i64(MODULUS), i64Op.remU);
/** The four lanes of a vector, added up as i64. */
const total = (local: number) =>
  times(4, (index) => seq(get(local), lane(index), i64Op.extendU, index > 0 ? i64Op.add : []));

/** One row: columns, all its bytes, and what all bytes before it came to. */
const row = seq(
  seq(get(BEFORE), get(SUM), add32, set(BEFORE)),
  times(4, (quarter) =>
    seq(
      seq(get(AT), load(16 * quarter), tee(X), lowBytes),
      seq(get(COLUMN + 2 * quarter), add16, set(COLUMN + 2 * quarter)),
      seq(get(X), highBytes, get(COLUMN + 2 * quarter + 1), add16, set(COLUMN + 2 * quarter + 1)),
      seq(get(X), pairsOfBytes, quarter > 0 ? seq(get(T), add16) : [], set(T)),
    ),
  ),
  seq(get(T), ones, dot16, get(SUM), add32, set(SUM)),
);

/** The weighted columns of a block, in four lanes of T. */
const weigh = times(COLUMNS, (index) => {
  const weights = constant(Array.from({ length: 8 }, (_, at) => ROW - 8 * index - at));
  const half = (multiply: Code) => seq(get(T), get(COLUMN + index), weights, multiply, add32, set(T));
  return seq(half(mulLow16), half(mulHigh16));
});

const body = seq(
  seq(get(STATE), i32(0xffff), i32Op.and, i64Op.extendU, set(A)),
  seq(get(STATE), i32(16), i32Op.shrU, i64Op.extendU, set(B)),
  block(
    loop(
      // The next block: whole rows, as many as are left and allowed.
      seq(get(END), get(AT), i32Op.sub, i32(-ROW), i32Op.and, tee(STOP), i32Op.eqz, branchIf(1)),
      seq(i32(ROW * ROWS), get(STOP), i32(ROW * ROWS), get(STOP), i32Op.ltU, select, get(AT), i32Op.add, set(STOP)),
      seq(get(B), get(A), get(STOP), get(AT), i32Op.sub, i64Op.extendU, i64Op.mul, i64Op.add, set(B)),
      seq(
        times(COLUMNS, (index) => clear(COLUMN + index)),
        clear(BEFORE),
        clear(SUM),
      ),
      loop(row, get(AT), i32(ROW), i32Op.add, tee(AT), get(STOP), i32Op.ltU, branchIf(0)),
      seq(get(A), total(SUM), i64Op.add, modulo, set(A)),
      seq(clear(T), weigh),
      seq(get(B), total(BEFORE), i64(ROW), i64Op.mul, i64Op.add, total(T), i64Op.add, modulo, set(B)),
      branch(0),
    ),
  ),
  // What is left, less than a row, byte by byte.
  block(
    loop(
      seq(get(AT), get(END), i32Op.eq, branchIf(1)),
      seq(get(B), get(A), get(AT), load8, i64Op.add, tee(A), i64Op.add, set(B)),
      seq(get(AT), i32(1), i32Op.add, set(AT), branch(0)),
    ),
  ),
  seq(get(B), modulo, wrap, i32(16), i32Op.shl, get(A), modulo, wrap, i32Op.or),
  end,
);

function assemble(pages: number): Uint8Array {
  const section = (id: number, bytes: Code) => [id, ...unsigned(bytes.length), ...bytes];
  const name = (text: string) => [text.length, ...Buffer.from(text)];
  const locals = [3, 1, I32, 2, I64, COLUMN - BEFORE + COLUMNS, V128];
  const code = [...locals, ...body];
  const size = unsigned(pages);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 3, I32, I32, I32, 1, I32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 1, ...size, ...size]),
    ...section(7, [2, ...name('memory'), 2, 0, ...name('adler32'), 0, 0]),
    ...section(10, [1, ...unsigned(code.length), ...code]),
  ]);
}

export interface Simd {
  /** Never grows, so that what is read into it stays where it is. */
  readonly memory: { readonly buffer: ArrayBuffer };
  /** The checksum with the bytes `[from, to)` of the memory added to it; as a signed number. */
  readonly adler32: (checksum: number, from: number, to: number) => number;
}

/** What is used of it; TypeScript knows it only together with a browser's whole world. */
interface Wasm {
  readonly Module: new (code: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** Makes instances with `bytes` of memory (a multiple of 64 KiB); `undefined` where this machine has no such vectors. */
export function simd(bytes: number): (() => Simd) | undefined {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly?: Wasm };
  if (!WebAssembly) return undefined;
  try {
    const compiled = new WebAssembly.Module(assemble(bytes / 65536));
    return () => new WebAssembly.Instance(compiled).exports as Simd;
  } catch {
    return undefined;
  }
}
