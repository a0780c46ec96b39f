// The answer of `why` as text: one line for what it is about, one for each gate, what to type next.
import chalk from 'chalk';
import type { WhyReport } from '../flow/reports/why/whyreport.ts';
import { cleaned } from '../util/text/terminal.ts';
import { localTime, localTimes } from './human.ts';
import { stateColour } from './states.ts';
import { wrapped } from './wrap.ts';

/** `109134/Analysis40/2  7.0.8  tl-july  FAILED since 13 Jul 22:41`, then the gates. */
export function whyText(found: WhyReport, columns = Number.POSITIVE_INFINITY): string {
  const report = cleaned(found);
  const terminal = columns !== Number.POSITIVE_INFINITY;
  const state = stateColour(report.state)(report.state.toUpperCase());
  const since = report.since === undefined ? '' : `since ${localTime(report.since)}`;
  const head = [chalk.bold(report.ref), report.about, state, since].filter((part) => part !== '').join('  ');
  const width = Math.max(0, ...report.gates.map((gate) => gate.gate.length));
  const lines = report.gates.flatMap((gate) => {
    const at = gate.since === undefined ? '' : chalk.dim(`  ${localTime(gate.since)}`);
    const line = `${gate.ok ? chalk.green('ok') : chalk.red('NO')}  ${gate.gate.padEnd(width)}  ${terminal ? localTimes(gate.text) : gate.text}${at}`;
    return wrapped(line, columns, ' '.repeat(width + 6));
  });
  // Each command on a line of its own, to be copied.
  const commands = report.next.flatMap((command) => command.split(/; (?=dflow )/));
  const next = commands.map((command, index) => `${index === 0 ? 'Next:' : '     '} ${command}`);
  return [...wrapped(head, columns, '  '), ...lines, ...next].join('\n');
}
