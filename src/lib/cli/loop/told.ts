// What a loop prints: a line for people, or an item as JSON.
import type { RunningLoop } from '../../domain/farms/loops.ts';
import type { Item } from '../../flow/ports.ts';
import { localSecond } from '../../render/human.ts';
import { humanDuration, iso } from '../../util/time.ts';
import { given } from '../../util/values/given.ts';
import type { Output } from '../output/output.ts';
import { Lines, summary, type ToldRound } from './lines.ts';

export class Told {
  private readonly lines = new Lines();

  constructor(
    private readonly out: Output,
    private readonly ref: string,
    private readonly loop: RunningLoop,
  ) {
    this.say('started', `every ${humanDuration(loop.every)}: dflow ${loop.run.join(' ')} (process ${process.pid})`);
  }

  say(did: 'started' | 'waiting' | 'stopped', text: string): void {
    if (this.out.format === 'json') this.out.item({ kind: 'loop', ref: this.ref, did, text });
    else this.line(text);
  }

  /** As JSON every round is said; for people those that are not like the one before. */
  round(round: ToldRound): void {
    const text = this.lines.round(round);
    if (this.out.format === 'json') this.out.item(this.item(round));
    else if (text !== undefined) this.line(text);
  }

  private line(text: string): void {
    this.out.line(`${localSecond(iso(Date.now()))}  ${this.loop.name}: ${text}`);
  }

  private item({ end, ending, began, rest }: ToldRound): Item {
    const { exit, took, report } = end;
    const done = report && Object.keys(report.did).length > 0;
    const did = ending === 'busy' ? 'skipped' : exit === 0 ? (done ? 'done' : 'unchanged') : 'failed';
    return {
      kind: 'loop',
      ref: this.ref,
      did,
      ...(did === 'failed' ? { failed: true } : {}),
      text: summary(end),
      began: iso(began),
      until: iso(began + rest),
      took,
      ...given({ exit, next: report?.next }),
    };
  }
}
