import { Args, Flags } from '@oclif/core';
import { limit, selection, storage } from '../lib/cli/arguments/flags.ts';
import { checkListFlags } from '../lib/cli/arguments/listflags.ts';
import { type SelectionInput, selectionOf } from '../lib/cli/arguments/selection.ts';
import { Base } from '../lib/cli/base.ts';
import { checkListing, chosenBy, having, listing } from '../lib/cli/calls/listing.ts';
import { named, noSuchError } from '../lib/domain/named.ts';
import { STATE_SETS } from '../lib/domain/selection.ts';
import { registeredRows } from '../lib/flow/reports/catalogue/registered.ts';
import { staleRows } from '../lib/flow/reports/look/jobrows.ts';
import { KINDS, type Kind } from '../lib/flow/reports/look/look.ts';
import { trashRows } from '../lib/flow/reports/look/quarantinerows.ts';
import { SUMMARY_FIELDS, summaryRows } from '../lib/flow/reports/summary.ts';
import { UsageError } from '../lib/util/errors.ts';

/** What can be listed. */
const WORDS = [...Object.keys(KINDS), 'summary'];

/** Rows on a terminal without `--limit`; a pipe gets all. */
const SCREEN = 100;

export default class List extends Base {
  static override summary = 'List runs, copies, jobs, farms, holds and more';
  static override description =
    'Lists rows of one kind. Every row has a REF that other commands take. Without --state, dflow list jobs shows open jobs: not completed, canceled or deleted. dflow list summary counts passes: the table of a campaign. dflow list archived names runs whose documents are in a file. Copies are listed by run, by pass, or by file name, LFN or GUID.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> jobs -s failed,partFail --since 12h',
    '<%= config.bin %> <%= command.id %> jobs --stale-tables -m Processing',
    '<%= config.bin %> <%= command.id %> runs -r 109100-109200 --json',
    '<%= config.bin %> <%= command.id %> replicas SNOP_0000109134_002.zdab',
    '<%= config.bin %> <%= command.id %> replicas -r 109134 --catalogue',
    '<%= config.bin %> <%= command.id %> holds',
    '<%= config.bin %> <%= command.id %> archived -r 100000-109000',
    '<%= config.bin %> <%= command.id %> summary --by module,version,state --request tl-july',
  ];
  static override exits = [0, 1, 2, 3, 4, 5];
  static override strict = false;
  static override args = {
    kind: Args.string({
      description: `kind of rows: ${WORDS.join(', ')}`,
      required: true,
      ignoreStdin: true,
    }),
    ref: Args.string({
      description: 'only these: REFs, @FILE, or - for standard input; for replicas also file names, LFNs and GUIDs',
      ignoreStdin: true,
    }),
  };
  static override flags = {
    by: Flags.string({
      description: `with summary: count passes by these: ${SUMMARY_FIELDS.join(', ')} (default: version,module)`,
      helpValue: 'FIELDS',
    }),
    ...limit,
    ...selection,
    ...storage,
    'stale-tables': Flags.boolean({
      description: 'with jobs: list completed passes whose run tables have changed since',
    }),
    catalogue: Flags.boolean({
      description: 'with replicas: say what the catalogue of the collaboration (Rucio) has of each copy',
    }),
    trash: Flags.boolean({ description: 'with quarantine: list files in the trash' }),
  };

  async run(): Promise<void> {
    const { args, argv, flags } = await this.parse(List);
    if (flags.trash && args.kind !== 'quarantine')
      throw new UsageError(`list ${args.kind} does not know --trash`, { hint: 'dflow list quarantine --trash' });
    if (flags['stale-tables'] && args.kind !== 'jobs')
      throw new UsageError(`list ${args.kind} does not know --stale-tables`, {
        hint: 'dflow list jobs --stale-tables',
      });
    if (flags.catalogue && args.kind !== 'replicas')
      throw new UsageError(`list ${args.kind} does not know --catalogue`, { hint: 'dflow list replicas --catalogue' });
    if (args.kind === 'summary') return this.summary(argv.map(String).slice(1), flags);
    if (flags.by !== undefined)
      throw new UsageError(`list ${args.kind} does not know --by`, { hint: 'dflow list summary --by module,state' });
    const kind = kindOf(args.kind);
    const words = argv.map(String).slice(1);
    checkListing(kind, words, flags);
    const ports = await this.ports(false);
    const limit = flags.limit ?? (this.out.format === 'table' ? SCREEN : undefined);
    if (flags['stale-tables']) {
      const { chosen } = await chosenBy(ports, kind, words, flags, ['completed']);
      await this.rows('jobs', staleRows(ports, chosen), limit);
    } else if (flags.trash) {
      const { test } = await chosenBy(ports, kind, words, flags);
      await this.rows('trash', having(trashRows(ports), test), limit);
    } else if (flags.catalogue)
      await this.rows('replicas', registeredRows(ports, await listing(ports, 'replicas', words, flags)), limit);
    else await this.rows(kind, await listing(ports, kind, words, flags), limit);
  }

  /** Every state counts, where none is asked for. */
  private async summary(refs: readonly string[], flags: SummaryFlags): Promise<void> {
    checkListFlags('jobs', { ...flags }, refs);
    if (refs.length > 0)
      throw new UsageError(`list summary takes no REF: '${refs[0]}'`, { hint: 'dflow list summary --run RUNS' });
    const by = (flags.by ?? 'version,module')
      .split(',')
      .map((word) => named('summary field', word.trim(), SUMMARY_FIELDS));
    const ports = await this.ports(false);
    const input = { refs: [], flags, states: STATE_SETS.all };
    const { states, ...chosen } = await selectionOf(input, () => ports.store.now());
    const selection = flags.state === undefined ? chosen : { ...chosen, ...(states && { states }) };
    const pass = flags.pass === undefined ? 'all' : chosen.pass;
    await this.rows('summary', summaryRows(ports, { ...selection, pass }, by), flags.limit);
  }
}

type SummaryFlags = SelectionInput['flags'] & { readonly by?: string | undefined; readonly limit?: number | undefined };

const isKind = (word: string): word is Kind => Object.hasOwn(KINDS, word);

function kindOf(word: string): Kind {
  if (isKind(word)) return word;
  throw noSuchError('kind', word, WORDS);
}
