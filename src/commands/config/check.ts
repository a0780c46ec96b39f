import { Base } from '../../lib/cli/base.ts';
import { nestings } from '../../lib/cli/config/findings/nesting.ts';
import { type Problem, problemAt, problemsError } from '../../lib/cli/config/yaml/document.ts';
import { checkAdapters } from '../../lib/cli/ports.ts';
import { DflowError, UnreachableError } from '../../lib/util/errors.ts';

export default class ConfigCheck extends Base {
  static override summary = 'Check the configuration and every module file';
  static override description =
    'Checks dflow.yaml and modules/*.yaml as a whole. Each problem is named with file, line and column, a misspelt key with the likely one. Options of storage elements and farms are checked too. No server is called.';
  static override examples = ['<%= config.bin %> <%= command.id %>'];
  static override exits = [0, 2];

  async run(): Promise<void> {
    await this.parse(ConfigCheck);
    const { settings, yaml, moduleProblems } = await this.configuration();
    const problems: Problem[] = [...moduleProblems];
    for await (const { path, error } of checkAdapters(settings)) {
      // A folder that is not mounted here may be on another host.
      if (error instanceof UnreachableError)
        this.out.item({ kind: 'storage', ref: path[1], did: 'unreachable', text: error.message });
      else if (error instanceof DflowError) problems.push(problemAt(yaml, path, error));
      else throw error;
    }
    for (const { storage, error } of await nestings(settings))
      problems.push(problemAt(yaml, ['storage', storage], error));
    if (problems.length > 0) throw problemsError(problems);
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
    if (versions.length === 0) this.remark(`no module file yet. Next: write ${settings.folder}/modules/1.0.yaml`);
  }
}

function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
