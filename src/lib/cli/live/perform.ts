// Changes that a person makes on the screen, by the same calls as the commands. A preview is a dry run of the call.
import { Parser } from '@oclif/core';
import type { Item, Ports } from '../../flow/ports.ts';
import { resume } from '../../flow/switches/holds.ts';
import { itemLine } from '../../render/item.ts';
import { cleaned } from '../../util/text/terminal.ts';
import { all, level, limit, module, run, selection, site, storage, why } from '../arguments/flags.ts';
import { until } from '../arguments/until.ts';
import { pauseStep, retryStep, scopeOf } from '../calls/acts.ts';
import type { Action } from './action.ts';

export interface Performed {
  /** Lines for each item, with the command that a person types next. */
  readonly lines: readonly string[];
  /** Items that have changed; in a dry run, items that would change. */
  readonly changes: number;
  readonly failed: number;
}

/** Makes a change, or its dry run. @throws UsageError, and every error of the flow */
export async function perform(ports: Ports, action: Action, dryRun: boolean, width: number): Promise<Performed> {
  const lines: string[] = [];
  let [changes, failed] = [0, 0];
  for await (const item of itemsOf(ports, action, dryRun)) {
    lines.push(...itemLine(cleaned(item), width).split('\n'));
    if (item.failed) failed++;
    else if (item.did !== 'unchanged' && item.did !== 'skipped') changes++;
  }
  return { lines, changes, failed };
}

async function* itemsOf(ports: Ports, { verb, words }: Action, dryRun: boolean): AsyncGenerator<Item, void, void> {
  const options = dryRun ? { dryRun } : {};
  if (verb === 'resume') {
    const { argv, flags } = await Parser.parse([...words], { flags: { ...why }, strict: false });
    yield* resume(ports, argv.map(String), flags.why ?? 'resumed', options);
  } else if (verb === 'retry') {
    const { argv, flags } = await Parser.parse([...words], {
      flags: { ...selection, ...all, ...limit, ...why },
      strict: false,
    });
    const { problems, step } = await retryStep(ports, argv.map(String), flags, options);
    yield* problems;
    yield* step;
  } else {
    const { flags } = await Parser.parse([...words], {
      flags: { ...run, ...module, ...site, ...storage, ...level, ...until, ...why },
    });
    const said = { ...flags, why: flags.why ?? '' };
    yield* await pauseStep(ports, await scopeOf(said), said, options);
  }
}
