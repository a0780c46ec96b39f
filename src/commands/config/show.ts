import { Flags } from '@oclif/core';
import { Base } from '../../lib/cli/base.ts';
import { originRows } from '../../lib/cli/config/yaml/origin.ts';
import { wrapped } from '../../lib/render/wrap.ts';

export default class ConfigShow extends Base {
  static override summary = 'Show every setting that is valid on this host';
  static override description =
    'Shows every setting with defaults, environment and the part of this host applied. With --origin, shows where each value comes from.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --origin',
    '<%= config.bin %> <%= command.id %> --origin | grep -v default',
  ];
  static override exits = [0, 2];
  static override flags = {
    origin: Flags.boolean({ description: 'show where each value comes from: file:line, environment or default' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(ConfigShow);
    const rows = originRows(await this.configuration(), process.env);
    const width = this.out.format === 'table' ? Math.max(...rows.map((row) => row.ref.length)) : 0;
    for (const row of rows) {
      const line = flags.origin ? [row.ref.padEnd(width), row.value, row.origin] : [row.ref.padEnd(width), row.value];
      if (this.out.format === 'json') this.out.item({ kind: 'setting', did: 'shown', ...row });
      else if (this.out.format !== 'table') this.out.line(line.join('\t'));
      else for (const part of wrapped(line.join('  '), this.out.width, ' '.repeat(width + 2))) this.out.line(part);
    }
  }
}
