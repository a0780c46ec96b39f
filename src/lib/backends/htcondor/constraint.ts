// ClassAd constraints that mean exactly some keys of one farm of one store. Pure.

import { createHash } from 'node:crypto';
import { addTo } from '../../util/values/group.ts';
import { nth } from '../../util/values/have.ts';
import { isKey } from '../../wrapper/spec.ts';
import { partsOf } from '../shared/folder/jobfolder.ts';

/** What the jobs of one farm of one store carry: others' jobs of the same user are not ours to touch. */
export function storeName(uuid: string, farm: string): string {
  return createHash('sha256').update(`${uuid}\n${farm}`).digest('hex').slice(0, 8);
}

export function ofStore(store: string): string {
  return `DflowStore == "${store}"`;
}

/** Longest constraint on one command line, characters. */
const LONGEST = 30_000;

/** Constraints that together mean these keys; what is not a key of ours is left out. */
export function ofKeys(store: string, keys: readonly string[]): string[] {
  const lists: string[][] = [];
  let length = LONGEST;
  for (const text of claimTexts(keys)) {
    if (length + text.length > LONGEST) {
      lists.push([]);
      length = 0;
    }
    nth(lists, -1).push(text);
    length += text.length + 4;
  }
  return lists.map((list) => `${ofStore(store)} && (${list.join(' || ')})`);
}

/** `(DflowClaim == "c" && DflowIndex >= 0 && DflowIndex <= 499)`, a claim in ranges. */
function claimTexts(keys: readonly string[]): string[] {
  const claims = new Map<string, number[]>();
  for (const key of keys.filter(isKey)) {
    const { claim, index } = partsOf(key);
    addTo(claims, claim, Number(index));
  }
  return [...claims].flatMap(([claim, indices]) =>
    ranges([...new Set(indices)].sort((a, b) => a - b)).map(([first, last]) => {
      const range = first === last ? `DflowIndex == ${first}` : `DflowIndex >= ${first} && DflowIndex <= ${last}`;
      return `(DflowClaim == "${claim}" && ${range})`;
    }),
  );
}

function ranges(numbers: readonly number[]): [number, number][] {
  const found: [number, number][] = [];
  for (const number of numbers) {
    const last = found.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else found.push([number, number]);
  }
  return found;
}
