// What module files name on this machine: scripts that are missing or cannot be run fail every job.
import { dirname, resolve } from 'node:path';
import { type ModuleDef, scriptsIn } from '../../../../../domain/modules/modules.ts';
import { counted } from '../../../../../util/text/counted.ts';
import { remount, silence } from '../../../../../util/text/silence.ts';
import { type Check, type Finding, failed, type Look, ok, warning } from '../../check.ts';
import { kindOf, type PathKind } from '../../outside.ts';

export const check: Check = {
  name: 'modules',
  group: 'configuration',
  offline: true,
  about: [
    {
      ref: 'modules/VERSION',
      looks: 'The module file of a version, and each script and file that its modules name.',
      means:
        'The module file has mistakes, or a script is missing, unreadable, or may not be run. Every job of that module fails.',
      mends:
        '`dflow module check` shows mistakes. Else write the script or file, or `chmod` it. A dead disk: `umount -l`.',
    },
  ],
  looks: (patient) => [
    ...patient.settings.badModules.map(({ version, path }): Look => {
      const found = `${path} has mistakes: no job of version ${version} is made`;
      return { subject: version, look: async () => failed(found, 'dflow module check') };
    }),
    ...Object.values(patient.settings.modules).map(({ version, path, modules }): Look => {
      const all = Object.values(modules);
      const files = [...new Set(all.flatMap((module) => module.files))];
      const look = async (): Promise<readonly Finding[]> => {
        if (all.length === 0) return [warning(`${path} defines no module`, `write a module into ${path}`)];
        const gone = all.flatMap((module) => missing(module, path));
        const wrong = [
          gone,
          ...(await Promise.all(files.map(async (file) => wrongWith(file, await kindOf(patient, file))))),
        ];
        const text = `${counted(all.length, 'module')}, ${counted(files.length, 'script or file', 'scripts and files')}`;
        return wrong.some((one) => one.length > 0) ? wrong.flat() : [ok(text)];
      };
      return { subject: version, look };
    }),
  ],
};

/** Scripts of a command that lie neither beside the module file nor beside the configuration, and that it does not write. */
function missing({ name, run, files }: ModuleDef, path: string): Finding[] {
  return scriptsIn(run)
    .filter((script) => !files.some((file) => file.endsWith(script.slice(1))) && !run.includes(`>${script}`))
    .filter((script) => !run.includes(`> ${script}`))
    .map((script) => failed(`${name} runs ${script}, which does not exist`, `write ${resolve(dirname(path), script)}`));
}

function wrongWith(file: string, kind: PathKind): Finding[] {
  if (kind === 'missing')
    return [failed(`${file} does not exist`, `write ${file}, or correct the module that names it`)];
  if (kind === 'unreadable') return [failed(`${file} cannot be read`, `chmod a+r ${file}`)];
  if (kind === 'silent') return [failed(silence(file), remount(dirname(file)))];
  if (kind === 'odd') return [failed(`${file} is a pipe or a device`, `write ${file} as a file`)];
  return kind === 'not-runnable' ? [failed(`${file} is a script that nobody may run`, `chmod a+rx ${file}`)] : [];
}
