import { Args, Flags } from '@oclif/core';
import { changing } from '../../../lib/cli/arguments/flags.ts';
import { Base } from '../../../lib/cli/base.ts';
import { replicate } from '../../../lib/flow/steps/keeping/replicate.ts';

export default class StoreReplicate extends Base {
  static override summary = 'Copy the store to another CouchDB database, once or for good';
  static override description =
    'Lets CouchDB itself copy the database, and makes the target where it does not exist. A target that is a writable store, or holds anything else, is refused. dflow never writes a replica. The login of the target is that of the credentials file, by its host; both logins lie in the `_replicator` database of the source, for a single copy only until it ends. It needs an admin of the server.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> https://spare.example.org/data-processing --continuous',
    '<%= config.bin %> <%= command.id %> https://spare.example.org/data-processing --stop',
  ];
  static override exits = [0, 1, 2, 3, 4];
  static override args = {
    target: Args.string({ description: 'URL of the replica', required: true, ignoreStdin: true }),
  };
  static override flags = {
    ...changing,
    continuous: Flags.boolean({ description: 'go on with every change, also after a restart of the server' }),
    stop: Flags.boolean({ description: 'end the replication to this target', exclusive: ['continuous'] }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(StoreReplicate);
    const { everything } = await this.ports(true);
    const options = { continuous: flags.continuous || undefined, stop: flags.stop || undefined };
    await this.items(replicate(everything, args.target, this.stepOptions(flags, options)));
  }
}
