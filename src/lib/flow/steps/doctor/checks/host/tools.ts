// Programs that this configuration needs: on PATH, and which versions.
import { SECOND } from '../../../../../util/time.ts';
import { type Check, type Finding, failed, type Look, ok, type Patient, type Tool } from '../../check.ts';
import { outside } from '../../outside.ts';

export const check: Check = {
  name: 'tools',
  group: 'host',
  about: [
    {
      ref: 'tools/node',
      looks: 'The version of Node.',
      means: 'Nothing: dflow does not start with an older one.',
      mends: 'Install a newer Node.',
    },
    {
      ref: 'tools/PROGRAM',
      looks: 'Programs that the batch systems and storage elements of this configuration need, and their versions.',
      means: 'A program is not on PATH, or lacks a module of Python. What needs it is named.',
      mends: 'Load the environment of the batch system, install the package that is named, or correct PATH.',
    },
  ],
  looks: (patient) => [
    { subject: 'node', look: async () => ok(`Node ${patient.node}, needed: ${patient.nodeWanted}`) },
    ...patient.tools.map((tool): Look => ({ subject: tool.program, look: () => look(patient, tool) })),
  ],
};

async function look(patient: Patient, { program, version, users, install }: Tool): Promise<Finding> {
  const script = `place=$(command -v -- "$1") || exit 3; echo "$place"; ${version} </dev/null 2>&1 | head -n 20`;
  const { exit, stdout } = await outside(patient, script, [program], 10 * SECOND);
  const why = users.length > 2 ? `${users[0]} and ${users.length - 1} more` : users.join(', ');
  if (exit === 3) return failed(`not on PATH; ${why} needs it`, install);
  const [place = '', ...lines] = stdout.split('\n');
  if (lines.some((line) => /ModuleNotFoundError|ImportError/.test(line)))
    return failed(`${place}: ${lines.find((line) => /Error/.test(line))}; ${why} needs it`, install);
  const said = lines.map((line) => /\d+\.\d+[\w.-]*/.exec(line)?.[0]).find((found) => found !== undefined);
  return ok(`${said ?? 'version unknown'}, ${place}`);
}
