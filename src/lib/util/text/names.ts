// File names as bytes and as text. POSIX names are bytes; Node's strings lose those that are not UTF-8.
import { isUtf8 } from 'node:buffer';

export interface DecodedName {
  /** The name, or, where its bytes are not UTF-8, a text for people: bytes beyond ASCII, controls and `%` as `%XX`. */
  readonly text: string;
  /** True where `text` cannot be turned back into the name: such a file can be shown, not opened by it. */
  readonly raw: boolean;
}

export function decodeName(bytes: Buffer): DecodedName {
  if (isUtf8(bytes)) return { text: bytes.toString('utf8'), raw: false };
  return { text: [...bytes].map(escapeByte).join(''), raw: true };
}

function escapeByte(byte: number): string {
  const plain = byte >= 0x20 && byte < 0x7f && byte !== 0x25;
  return plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** A name or path on one line of a message: control characters (newlines, escapes) as `\xNN`. */
export function shown(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  return name.replace(/[\x00-\x1f\x7f-\x9f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** What the name of a database ends with, and of the files that SQLite keeps beside it. */
export const SQLITE_FILES = ['', '-wal', '-shm', '-journal'] as const;
