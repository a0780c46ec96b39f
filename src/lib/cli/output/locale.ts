// Which characters a terminal can show, as the locale says (the order of setlocale).

/** True where the character set is UTF-8: `en_GB.UTF-8`, `C.utf8`. Without a word about it, POSIX is ASCII. */
export function isUtf8(env: Readonly<Record<string, string | undefined>>): boolean {
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find((value) => value !== undefined && value !== '') ?? '';
  return /utf-?8/i.test(locale);
}
