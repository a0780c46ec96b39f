import { Base } from '../../lib/cli/base.ts';
import { page } from '../../lib/render/page.ts';

export default class StoreInfo extends Base {
  static override summary = 'Show place, size and state of the document store';
  static override description = 'Shows engine, place, experiment and number of documents.';
  static override examples = ['<%= config.bin %> <%= command.id %>', '<%= config.bin %> <%= command.id %> --json'];

  async run(): Promise<void> {
    await this.parse(StoreInfo);
    const { store } = await this.ports(false);
    const info = { ...(await store.info()) };
    if (this.out.format === 'json') this.out.json(info);
    else this.out.line(page(info, this.out.format === 'table'));
  }
}
