import { Args, Flags } from '@oclif/core';
import { Base } from '../../lib/cli/base.ts';
import { exactJson, type RatdbFields } from '../../lib/domain/formats/ratdbvalues.ts';
import { tablesOf } from '../../lib/flow/jobs/tables/source.ts';
import { page } from '../../lib/render/page.ts';
import { ItemError } from '../../lib/util/errors.ts';

export default class TablesShow extends Base {
  static override summary = 'Show the run table that is valid for a run';
  static override description =
    'Looks for the table as RATDB does: first tables of the user, then run ranges (highest pass), then the default.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> RUN --run 109134',
    '<%= config.bin %> <%= command.id %> GEO --index av --run 109134 --tag v2 --json',
  ];
  static override args = {
    name: Args.string({ description: 'name of the table, or NAME[INDEX]', required: true, ignoreStdin: true }),
  };
  static override flags = {
    run: Flags.integer({ char: 'r', description: 'number of the run', required: true, helpValue: 'N' }),
    index: Flags.string({ description: 'index of the table', helpValue: 'INDEX' }),
    tag: Flags.string({ description: 'the table as it was frozen under this name', helpValue: 'NAME' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(TablesShow);
    const ports = await this.ports(false);
    const [, name = args.name, bracket = ''] = /^([^[]*)(?:\[(.*)\])?$/.exec(args.name) ?? [];
    const index = flags.index ?? bracket;
    const found = (await tablesOf(ports).lookup(name, index, [flags.run], flags.tag)).get(flags.run);
    if (!found) {
      const hint = ports.ratdb ? 'dflow tables load FILE' : 'dflow list tables, or: dflow tables load FILE';
      throw new ItemError(`no table ${args.name} holds for run ${flags.run}`, { hint });
    }
    const { fields, ...rest } = found;
    if (this.out.format === 'json')
      this.out.jsonText(`${JSON.stringify(rest).slice(0, -1)},"fields":${exactJson(fields)}}`);
    else
      this.out.line(`${page(rest, this.out.format === 'table')}\n${page(texts(fields), this.out.format === 'table')}`);
  }
}

function texts(fields: RatdbFields): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'string' ? value : exactJson(value)]),
  );
}
