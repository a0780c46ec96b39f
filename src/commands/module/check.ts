import { Args } from '@oclif/core';
import { Base } from '../../lib/cli/base.ts';
import { needModules } from '../../lib/cli/config/nomodules.ts';
import { problemsError } from '../../lib/cli/config/yaml/document.ts';
import { badOf } from '../../lib/domain/modules/badmodules.ts';
import { named } from '../../lib/domain/named.ts';
import { moduleRows } from '../../lib/flow/reports/look/modulerows.ts';

export default class ModuleCheck extends Base {
  static override summary = 'Check the module files and list the modules';
  static override description =
    'Checks every module file and every macro. Each problem is named with file, line and column. Then lists the modules of one version, or of all.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> 7.0.8'];
  static override exits = [0, 2];
  static override args = {
    version: Args.string({ description: 'only this version', ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const { args } = await this.parse(ModuleCheck);
    const { settings, moduleProblems } = await this.configuration();
    const { modules, folder } = settings;
    const { version } = args;
    const bad = badOf(settings, version);
    const problems = moduleProblems.filter(({ file }) => version === undefined || file === bad?.path);
    if (problems.length > 0) throw problemsError(problems);
    if (version !== undefined) named('version', version, Object.keys(modules), { where: `${folder}/modules` });
    if (version === undefined) needModules(settings);
    const files = Object.values(modules).filter((file) => version === undefined || file.version === version);
    await this.rows(
      'modules',
      files.flatMap((file) => moduleRows(file)),
    );
  }
}
