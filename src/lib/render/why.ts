// The answer of `why` as text: the verdict, a line for each gate, what to type next.
import chalk from 'chalk';
import type { Gate } from '../domain/jobs/readiness.ts';
import type { WhyReport } from '../flow/reports/why/whyreport.ts';
import { cleaned, oneLine } from '../util/text/terminal.ts';
import { groupBy } from '../util/values/group.ts';
import { localTime, localTimes } from './human.ts';
import { stateColour } from './states.ts';
import { wrapped } from './wrap.ts';

/** Reports that say the same of several things, and of which. */
interface Same {
  readonly report: WhyReport;
  readonly refs: readonly string[];
}

/** Reports in their order; those that say the same are one. */
export function together(reports: readonly WhyReport[]): Same[] {
  const groups = groupBy(reports, ({ ref: _, next: __, ...said }) => JSON.stringify(said));
  return [...groups.values()].flatMap((some) => {
    const [report] = some;
    return report ? { report, refs: some.map(({ ref }) => ref) } : [];
  });
}

/** REFs that are named where many things have one answer. */
const NAMED = 5;

/** `109134/Analysis40/2  FAILED  failed on 1 of 3 files (...)`, then what it is of, the gates, what to type. */
export function whyText(found: WhyReport, columns = Number.POSITIVE_INFINITY, all: readonly string[] = []): string {
  const report = cleaned(found);
  const terminal = columns !== Number.POSITIVE_INFINITY;
  const local = (text: string): string => (terminal ? localTimes(text) : text);
  const state = stateColour(report.state)(report.state.toUpperCase());
  const head = [chalk.bold(namesOf(report.ref, all)), state, chalk.bold(local(report.verdict))].join('  ');
  const since = report.since === undefined ? '' : `since ${localTime(report.since)}`;
  const about = [report.about, since].filter((part) => part !== '').join('  ');
  const gates = report.gates.filter((gate, at) => report.gates.findIndex((one) => isSame(one, gate)) === at);
  const width = Math.max(0, ...gates.map((gate) => gate.gate.length));
  const lines = gates.flatMap((gate) => {
    const at = gate.since === undefined ? '' : chalk.dim(`  ${localTime(gate.since)}`);
    const line = `${gate.ok ? chalk.green('ok') : chalk.red('NO')}  ${gate.gate.padEnd(width)}  ${local(gate.text)}${at}`;
    return wrapped(line, columns, ' '.repeat(width + 6));
  });
  // Each command on a line of its own, to be copied.
  const commands = report.next.flatMap((command) => command.split(/; (?=(?:to give up: )?dflow )/));
  const next = commands.map((command, index) => `${index === 0 ? 'Next:' : '     '} ${command}`);
  const said = about === '' ? [] : wrapped(chalk.dim(about), columns, '  ');
  return [...wrapped(head, columns, '  '), ...said, ...lines, ...next].join('\n');
}

function isSame(one: Gate, other: Gate): boolean {
  return one.gate === other.gate && one.ok === other.ok && one.text === other.text;
}

function namesOf(ref: string, all: readonly string[]): string {
  if (all.length <= 1) return ref;
  const more = all.length > NAMED ? ` and ${all.length - NAMED} more` : '';
  return `${all.slice(0, NAMED).map(oneLine).join(', ')}${more}`;
}
