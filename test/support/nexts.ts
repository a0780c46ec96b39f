// What commands print after `Next:`, carried out: each command, and what it leads to, until none leads further.
import { dflowBeside } from './cli.ts';
import { commandsIn } from './printed.ts';

/** One command as it was carried out. */
export interface Typed {
  readonly words: readonly string[];
  readonly code: number | null;
  readonly said: string;
  readonly nexts: readonly string[];
}

/** What a person brings, who undoes nothing and gives nothing up: words for FILE and the like, and which of several ways is taken. */
export interface Person {
  readonly fill?: Readonly<Record<string, string>>;
  /** The way that is taken where a text names several; else the first. */
  readonly choose?: RegExp;
}

/** Steps that find nothing to do say so on a terminal alone. */
const STEPS = /^(register|transfer|enqueue|submit|monitor|reset|retry|list|log|verify|chain)\b/;

const NO_JSON = /^(completion|help|demo|init)$/;

/** Carries out a command; items and reports as JSON, so that each `next` is a field. */
export async function typed(folder: string, words: readonly string[]): Promise<Typed> {
  const json = NO_JSON.test(words[0] ?? '') || words.includes('--help') ? [] : ['--json'];
  const ran = await dflowBeside(folder, [...words, ...json]);
  const said = `${ran.err}${ran.out}`;
  return { words, code: ran.code, said, nexts: [...new Set([...told(ran.err), ...fields(ran.out)])] };
}

/** `Next: ...` in text, with the lines below that go on. */
function told(text: string): string[] {
  const found: string[] = [];
  let open = false;
  for (const line of text.split('\n')) {
    const below: RegExp = open ? /^ {4,}(dflow .*)$/ : /(?:^|[ .;])Next: (.*)$/;
    const next: string | undefined = (below.exec(line) ?? /(?:^|[ .;])Next: (.*)$/.exec(line))?.[1];
    open = next !== undefined;
    if (next !== undefined) found.push(next);
  }
  return found;
}

interface Line {
  readonly next?: string | readonly string[];
  readonly needYou?: readonly { readonly next: string }[];
}

function fields(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
    .flatMap(({ next = [], needYou = [] }) => [next, needYou.map((one) => one.next)].flat(2));
}

/** The commands of a `Next:`, with the words of the command that printed it where it refers to them. */
function commandsOf(next: string, { words, said }: Typed, person: Person = {}): string[][] {
  const ways = next.replace(/(^|; )to (undo|give up): [^;]*/g, '').split(/[;,] or, |, or: /);
  const way = ways.find((one) => person.choose?.test(one)) ?? ways[0] ?? '';
  const [, same] = /^the same command with (\S+.*)$/.exec(way) ?? [];
  if (same?.startsWith('-')) return [[...words, ...commandWords(same)]];
  const [, wrong] = /'([^']*)'/.exec(said) ?? [];
  if (same !== undefined) return [words.map((word) => (word === wrong ? same : word.replace(`${wrong}`, same)))];
  return commandsIn(way.replace(/^did you mean: /, '')).map((one) => one.map((word) => filled(word, person)));
}

const commandWords = (text: string): string[] => commandsIn(`dflow ${text}`)[0] ?? [];

function filled(word: string, { fill = {} }: Person): string {
  if (word === 'TEXT') return 'found by a test';
  return fill[word] ?? word;
}

/** A `Next:` that leads nowhere, in words. */
export type Fault = string;

/**
 * Carries out every `Next:` of these commands, and every one that those print. A command that ends with 2 or more says
 * what to type instead; one that ends well says something.
 */
export async function follow(folder: string, begun: readonly Typed[], person: Person = {}): Promise<Fault[]> {
  const faults: Fault[] = [];
  const done = new Set<string>();
  const walk = async (from: Typed, depth: number): Promise<void> => {
    for (const next of from.nexts) {
      const way = `dflow ${from.words.join(' ')} -> ${next}`;
      for (const words of commandsOf(next, from, person)) {
        const name = words.join(' ');
        if (done.has(name)) continue;
        done.add(name);
        // After what a person does, the same command is the next one.
        if (name === from.words.join(' ') && !/then: dflow /.test(next))
          faults.push(`${way}: is the command that was typed`);
        const ran = await typed(folder, words);
        if ((ran.code ?? 99) >= 2 && ran.nexts.length === 0) faults.push(`${way}: ends with ${ran.code}: ${ran.said}`);
        if (ran.said === '' && !STEPS.test(name)) faults.push(`${way}: says nothing`);
        if (depth === 0) faults.push(`${way}: and no end`);
        else await walk(ran, depth - 1);
      }
    }
  };
  for (const one of begun) await walk(one, 6);
  return faults;
}
