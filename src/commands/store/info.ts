import { Flags } from '@oclif/core';
import { Base } from '../../lib/cli/base.ts';
import { replicationText, storeState } from '../../lib/flow/steps/keeping/replicate.ts';
import { page } from '../../lib/render/page.ts';
import { StoreError } from '../../lib/util/errors.ts';

const NOT_A_FILE = 'a database server checks its own files; for the documents: dflow store check';

export default class StoreInfo extends Base {
  static override summary = 'Show place, size and state of the document store';
  static override description =
    'Shows engine, place, experiment, number of documents, who is logged in, and each replication with the changes that it has still to copy (for admins of the server). With --check, it reads the whole store first, and ends with exit 3 when the store is damaged or older than it was.';
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
    '<%= config.bin %> <%= command.id %> --check',
  ];
  static override flags = {
    check: Flags.boolean({ description: 'read the whole store, and say what is wrong with it' }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(StoreInfo);
    const { store, everything } = await this.ports(false);
    const [fault] = flags.check ? ((await store.check?.()) ?? []) : [];
    if (fault) throw new StoreError(fault.text, { where: (await store.identity()).where, hint: fault.next });
    if (flags.check) this.say(store.check ? 'the whole store was read: nothing is damaged' : NOT_A_FILE);
    const { replications = [], ...info } = await storeState(everything);
    if (this.out.format === 'json') return this.out.json({ ...info, ...(replications.length > 0 && { replications }) });
    const lines = replications.map((one) => `${one.source} -> ${one.target}: ${replicationText(one)}`);
    this.out.line(page({ ...info, ...(lines.length > 0 && { replications: lines }) }, this.out.format === 'table'));
  }
}
