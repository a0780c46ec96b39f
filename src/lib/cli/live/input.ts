// Bytes of a terminal as keys. Several come together where a person types ahead, holds a key or pastes. Pure.

/** A key by its name; a character as itself. */
export interface Key {
  readonly name:
    | 'up'
    | 'down'
    | 'left'
    | 'right'
    | 'pageup'
    | 'pagedown'
    | 'home'
    | 'end'
    | 'enter'
    | 'escape'
    | 'tab'
    | 'backtab'
    | 'backspace'
    | 'interrupt'
    | 'suspend'
    | 'erase'
    | 'char';
  /** The character of a key named `char`. */
  readonly char?: string;
}

/** Escape sequences of terminals (CSI, SS3), a lone escape, any other character. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys begin with one
const KEYS = /\x1b\[([\d;]*)([A-Za-z~])|\x1bO([A-Za-z])|(\x1b)|([^\x1b])/gu;

/** The beginning of an escape sequence, whose rest may come with the next bytes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: keys begin with one
const BEGUN = /\x1b(?:\[[\d;]*|O)?$/;

/** The keys in a text, and a rest that is the beginning of a key. */
export function keysOf(text: string): { readonly keys: readonly Key[]; readonly rest: string } {
  const rest = BEGUN.exec(text)?.[0] ?? '';
  const keys = [...text.slice(0, text.length - rest.length).matchAll(KEYS)].flatMap((found): Key[] => {
    const [, number = '', final, ss3, lone, char = ''] = found;
    if (lone !== undefined) return [{ name: 'escape' }];
    const letter = final ?? ss3;
    if (letter === undefined) return [charKey(char)];
    const name = letter === '~' ? NUMBERED[number.split(';')[0] ?? ''] : FINAL[letter];
    return name === undefined ? [] : [{ name }];
  });
  return { keys, rest };
}

const FINAL: Readonly<Record<string, Key['name']>> = {
  A: 'up',
  B: 'down',
  C: 'right',
  D: 'left',
  F: 'end',
  H: 'home',
  M: 'enter',
  Z: 'backtab',
};

const NUMBERED: Readonly<Record<string, Key['name']>> = {
  1: 'home',
  3: 'backspace',
  4: 'end',
  5: 'pageup',
  6: 'pagedown',
  7: 'home',
  8: 'end',
};

const CONTROLS: Readonly<Record<string, Key['name']>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\b': 'backspace',
  '\x7f': 'backspace',
  '\x02': 'pageup',
  '\x03': 'interrupt',
  '\x06': 'pagedown',
  '\x0e': 'down',
  '\x10': 'up',
  '\x15': 'erase',
  '\x1a': 'suspend',
};

function charKey(char: string): Key {
  const name = CONTROLS[char];
  return name ? { name } : { name: 'char', char };
}
