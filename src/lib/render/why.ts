// The answer of `why` as text: one line for what it is about, one for each gate, what to type next.
import chalk from 'chalk';
import type { WhyReport } from '../flow/reports/why/whyreport.ts';
import { cleaned } from '../util/terminal.ts';
import { localTime } from './human.ts';
import { stateColour } from './states.ts';

/** `109134/Analysis40/2  7.0.8  tl-july  FAILED since 13 Jul 22:41`, then the gates. */
export function whyText(found: WhyReport): string {
  const report = cleaned(found);
  const state = stateColour(report.state)(report.state.toUpperCase());
  const since = report.since === undefined ? '' : `since ${localTime(report.since)}`;
  const head = [chalk.bold(report.ref), report.about, state, since].filter((part) => part !== '').join('  ');
  const width = Math.max(0, ...report.gates.map((gate) => gate.gate.length));
  const lines = report.gates.map((gate) => {
    const at = gate.since === undefined ? '' : chalk.dim(`  ${localTime(gate.since)}`);
    return `${gate.ok ? chalk.green('ok') : chalk.red('NO')}  ${gate.gate.padEnd(width)}  ${gate.text}${at}`;
  });
  const next = report.next.map((command, index) => `${index === 0 ? 'Next:' : '     '} ${command}`);
  return [head, ...lines, ...next].join('\n');
}
