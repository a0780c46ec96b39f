// The options of an HTCondor farm, validated.
import type { FarmSettings } from '../../domain/settings.ts';
import { DAY, MINUTE } from '../../util/time.ts';
import { Options } from '../shared/options.ts';

export interface CondorOptions {
  /** Schedd, when it is not this host's. */
  readonly schedd?: string;
  /** Central manager, when it is not the configured one. */
  readonly pool?: string;
  readonly accountingGroup?: string;
  readonly accountingUser?: string;
  /** ClassAd expression that the machine must satisfy. */
  readonly requirements?: string;
  /** More lines of the submit description: `rank = Mips`. */
  readonly extra: readonly string[];
  /** No folder is shared with the workers: files travel by HTCondor's own transfer. */
  readonly transfer: boolean;
  /** The folder of job files, records and logs; shared with the workers unless `transfer`. */
  readonly folder: string;
  /** Parent of the scratch folders on the worker; default: the job's own folder there. */
  readonly scratch?: string;
  /** Milliseconds; limit of a module that has none of its own. */
  readonly time?: number;
  /** Milliseconds beyond a module's own limit, for staging and the record. */
  readonly margin: number;
  /** Milliseconds between two heartbeats of a job, on a shared folder. */
  readonly beat: number;
  /** Milliseconds that one command of HTCondor may take. */
  readonly timeout: number;
  /** Milliseconds that marks, acknowledged records and logs are kept. */
  readonly keep: number;
}

const KNOWN = [
  'schedd',
  'pool',
  'accounting_group',
  'accounting_group_user',
  'requirements',
  'extra',
  'transfer',
  'folder',
  'scratch',
  'time',
  'margin',
  'beat',
  'timeout',
  'keep',
];

/** What dflow says itself: another value would let a job start unseen, twice, or without a trace. */
const OURS = new Set(
  `universe executable arguments transfer_executable should_transfer_files when_to_transfer_output transfer_input_files
  transfer_output_files transfer_output_remaps hold output error log queue request_cpus request_memory requirements
  periodic_hold periodic_hold_reason periodic_hold_subcode periodic_remove periodic_release on_exit_hold on_exit_remove
  max_retries retry_until success_exit_code leave_in_queue initialdir initial_dir iwd job_iwd remote_initialdir noop_job
  max_materialize max_idle materialize_max_idle copy_to_spool transfer_output transfer_error stream_output stream_error
  accounting_group accounting_group_user notification getenv`.split(/\s+/),
);

/** @throws ConfigError an option is unknown or wrong */
export function parseOptions(farm: FarmSettings, defaultFolder: string): CondorOptions {
  const options = new Options(farm, KNOWN);
  const folder = options.folder('folder') ?? defaultFolder;
  const scratch = options.folder('scratch');
  for (const path of [folder, scratch ?? '']) checkPath(options, path);
  const transfer = farm.options.transfer ?? false;
  if (typeof transfer !== 'boolean') options.fail(`transfer is neither true nor false: ${JSON.stringify(transfer)}`);
  const time = options.duration('time');
  return {
    ...words(options),
    extra: extraLines(options),
    transfer: transfer === true,
    folder,
    ...(scratch !== undefined && { scratch }),
    ...(time !== undefined && { time }),
    margin: options.duration('margin') ?? 10 * MINUTE,
    beat: options.duration('beat') ?? MINUTE,
    timeout: options.duration('timeout') ?? MINUTE,
    keep: options.duration('keep') ?? 30 * DAY,
  };
}

/** A submit description has no quoting for these in file names: lists end at commas, `$(x)` is a macro. */
function checkPath(options: Options, path: string): void {
  if (/[$"'\\,;=\n]/.test(path)) options.fail(`HTCondor cannot use a folder with such a name: ${JSON.stringify(path)}`);
}

function extraLines(options: Options): readonly string[] {
  const lines = options.words('extra');
  for (const line of lines) {
    const name = /^\s*((?:\+|My\.)?[A-Za-z_][A-Za-z0-9_.]*)\s*=/i.exec(line)?.[1]?.toLowerCase();
    if (name === undefined)
      options.fail(`extra is not a line of a submit description: ${line}`, "extra: ['rank = Mips']");
    else if (isOurAttribute(name)) options.fail(`extra cannot have ${name}: dflow says that itself`);
  }
  return lines;
}

/**
 * Attributes behind what dflow says, set past it: `+RequestMemory`, `My.JobStatus`. condor_submit takes attributes' own
 * names as commands, too.
 */
function isOurAttribute(name: string): boolean {
  const plain = name.replace(/^(\+|my\.)/, '').replaceAll('_', '');
  return (
    plain.startsWith('dflow') || [...OURS].some((own) => own.replaceAll('_', '') === plain) || ATTRIBUTES.has(plain)
  );
}

const ATTRIBUTES = new Set(
  `jobstatus jobuniverse out err userlog cmd args iwd numshadowstarts holdreasoncode holdreasonsubcode holdreason
  removereason periodicholdreason periodicholdsubcode periodicremovereason transferin transferout`.split(/\s+/),
);

function words(options: Options): Partial<CondorOptions> {
  const [schedd, pool] = [options.text('schedd'), options.text('pool')];
  const [accountingGroup, accountingUser] = [options.text('accounting_group'), options.text('accounting_group_user')];
  const requirements = options.text('requirements');
  return {
    ...(schedd !== undefined && { schedd }),
    ...(pool !== undefined && { pool }),
    ...(accountingGroup !== undefined && { accountingGroup }),
    ...(accountingUser !== undefined && { accountingUser }),
    ...(requirements !== undefined && { requirements }),
  };
}
