// The name under which a file that is to be deleted waits beside its old place until everything was looked at again.
// Hidden, and dflow's own: nothing that lists a buffer or a storage element takes such a file for data. Pure.

/** A file name may have 255 bytes; the mark and the nonce need some of them. */
const LONGEST_NAME = 190;
const MARK = '.dflow-gone-';
const GONE = /^\..*\.dflow-gone-[a-z0-9]+$/s;

/** Where the file at `path` waits for its deletion by the call `nonce`: in the same folder. */
export function gonePath(path: string, nonce: string): string {
  const cut = path.lastIndexOf('/') + 1;
  const name = path.slice(cut);
  const bytes = new TextEncoder().encode(name);
  const short = bytes.length <= LONGEST_NAME ? name : `${cutText(bytes)}~${hashOf(bytes)}`;
  return `${path.slice(0, cut)}.${short}${MARK}${nonce}`;
}

/** True for the name, or the path, of a file that waits for its deletion. */
export function isGonePath(path: string): boolean {
  return GONE.test(path.slice(path.lastIndexOf('/') + 1));
}

/** True for the path under which the file at `path` waits for its deletion by any call. */
export function isGoneFrom(waits: string, path: string): boolean {
  return isGonePath(waits) && gonePath(path, waits.slice(waits.lastIndexOf(MARK) + MARK.length)) === waits;
}

/** True for what dflow itself puts into a folder of data: never a raw file. */
export function isOwnPath(path: string): boolean {
  return isGonePath(path) || path.split('/').some((part) => part.startsWith('.dflow'));
}

/** The first bytes of a long name, whole characters only. */
function cutText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, LONGEST_NAME - 20)).replace(/\uFFFD+$/, '');
}

/** Two long names that begin alike stay two (FNV-1a). */
function hashOf(bytes: Uint8Array): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash.toString(16).padStart(16, '0');
}
