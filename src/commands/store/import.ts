import { stat } from 'node:fs/promises';
import { Args } from '@oclif/core';
import { changing } from '../../lib/cli/arguments/flags.ts';
import { inputLines } from '../../lib/cli/arguments/input.ts';
import { Base } from '../../lib/cli/base.ts';
import type { Ports } from '../../lib/flow/ports.ts';
import { importStore } from '../../lib/flow/steps/archive/archive.ts';

export default class StoreImport extends Base {
  static override summary = 'Add documents from a file of JSON lines to the store';
  static override description =
    'Adds documents that are missing. Existing documents are not changed: a document with other content is refused and named. The command may be repeated.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> backup.jsonl',
    '<%= config.bin %> store export --config old/dflow.yaml | <%= config.bin %> <%= command.id %> - --dry-run',
  ];
  static override args = {
    file: Args.string({
      description: 'file of JSON lines, or - for standard input',
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = { ...changing };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(StoreImport);
    const ports = await this.ports(true);
    const lines = telling(ports, args.file, inputLines(args.file));
    await this.items(importStore(ports.store, lines, this.stepOptions(flags, {})));
  }
}

/** The lines unchanged, with a progress event for each line and for the size of the file. */
async function* telling({ progress }: Ports, file: string, lines: AsyncIterable<string>): AsyncGenerator<string> {
  if (!progress) return yield* lines;
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile()) progress({ what: 'due', count: 0, bytes: found.size });
  for await (const line of lines) {
    yield line;
    progress({ what: 'done', count: 1, bytes: Buffer.byteLength(line) + 1 });
  }
}
