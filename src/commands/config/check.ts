import { Base } from '../../lib/cli/base.ts';

export default class ConfigCheck extends Base {
  static override summary = 'check the configuration and every module file';
  static override description =
    'Validates dflow.yaml and modules/*.yaml as a whole. Every problem is named with its file, line and column; a misspelt key with the near miss.';
  static override examples = ['<%= config.bin %> <%= command.id %>'];
  static override exits = [0, 2];

  async run(): Promise<void> {
    await this.parse(ConfigCheck);
    const settings = await this.settings();
    const versions = Object.values(settings.modules).map((file) => {
      return `${file.version} (${Object.keys(file.modules).join(', ')})`;
    });
    const text = [
      `${settings.buffers.length} buffers`,
      `${settings.storages.length} storages`,
      `modules ${versions.join('; ') || 'none'}`,
    ].join(', ');
    this.out.item({ kind: 'config', ref: settings.file, did: 'checked', text, hash: settings.hash });
    if (versions.length === 0) this.remark(`no module file yet: write ${settings.folder}/modules/1.0.yaml`);
  }
}
