// One colour per state, the same on every page.
import chalk from 'chalk';

type Paint = (text: string) => string;

const COLOURS: Readonly<Record<string, Paint>> = {
  completed: chalk.green,
  done: chalk.green,
  ok: chalk.green,
  running: chalk.cyan,
  submitted: chalk.cyan,
  submitting: chalk.cyan,
  waiting: chalk.blue,
  held: chalk.yellow,
  unsatisfied: chalk.yellow,
  partFail: chalk.red,
  failed: chalk.red,
  canceled: chalk.dim,
  deleted: chalk.dim,
};

/** The painter of a state's word; an unknown word stays as it is. */
export function stateColour(state: string): Paint {
  const colour = Object.hasOwn(COLOURS, state) ? COLOURS[state] : undefined;
  return colour ?? ((text) => text);
}
