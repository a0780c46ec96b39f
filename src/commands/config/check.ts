import { Base } from '../../lib/cli/base.ts';
import { nestings } from '../../lib/cli/config/findings/nesting.ts';
import { type Problem, problemAt, problemsError } from '../../lib/cli/config/yaml/document.ts';
import { setupChecks } from '../../lib/cli/doctor/patient.ts';
import { checkAdapters } from '../../lib/cli/ports.ts';
import { DflowError, EXIT, UnreachableError } from '../../lib/util/errors.ts';
import { counted } from '../../lib/util/text/counted.ts';

export default class ConfigCheck extends Base {
  static override summary = 'Check the configuration and every module file';
  static override description =
    'Checks dflow.yaml and modules/*.yaml as a whole. Each problem is named with file, line and column, a misspelt key with the likely one. Options of storage elements and farms are checked too. No server is called. Then come those checks of `dflow doctor` that need no server: folders, scripts, copies, rules.';
  static override examples = ['<%= config.bin %> <%= command.id %>'];
  static override exits = [0, 1, 2];

  async run(): Promise<void> {
    await this.parse(ConfigCheck);
    const { settings, yaml, moduleProblems } = await this.configuration();
    const problems: Problem[] = [...moduleProblems];
    const away: { readonly ref: string; readonly text: string }[] = [];
    const { found, silent } = await nestings(settings);
    for await (const { path, error } of checkAdapters(settings, silent)) {
      // A folder that is not mounted here may be on another host.
      if (error instanceof UnreachableError) away.push({ ref: path[1], text: error.message });
      else if (error instanceof DflowError) problems.push(problemAt(yaml, path, error));
      else throw error;
    }
    for (const { storage, error } of found) problems.push(problemAt(yaml, ['storage', storage], error));
    if (problems.length > 0) {
      for (const one of away) this.out.item({ kind: 'storage', did: 'unreachable', ...one });
      throw problemsError(problems);
    }
    const versions = Object.values(settings.modules).map((file) => {
      return `${file.version} (${Object.keys(file.modules).join(', ')})`;
    });
    const text = [
      counted(settings.buffers.length, 'buffer'),
      counted(settings.storages.length, 'storage element'),
      `${counted(settings.copies.raw, 'copy', 'copies')} of each raw file`,
      `modules ${versions.join('; ') || 'none'}`,
    ].join(', ');
    this.out.item({ kind: 'config', ref: settings.file, did: 'checked', text, hash: settings.hash });
    for await (const item of setupChecks(settings)) {
      if (item.failed) process.exitCode = EXIT.itemsFailed;
      if (item.did !== 'ok') this.out.item(item);
    }
  }
}
