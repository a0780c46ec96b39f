// What a farm's `extra` may add to a submit description: nothing that dflow says itself, by whatever name. condor_submit
// takes a command, its synonyms and the attribute of the job (`request_memory`, `RequestMemory`, `+RequestMemory`,
// `My.RequestMemory`) for one another, in any case.

/** What dflow says itself: another value would let a job start unseen, twice, or without a trace. */
const OURS = `universe executable arguments transfer_executable should_transfer_files when_to_transfer_output
  transfer_input_files transfer_output_files transfer_output_remaps hold output error log queue request_cpus
  request_memory requirements periodic_hold periodic_hold_reason periodic_hold_subcode periodic_remove periodic_release
  on_exit_hold on_exit_remove max_retries retry_until success_exit_code leave_in_queue initialdir accounting_group
  accounting_group_user notification getenv periodic_remove_reason on_exit_hold_reason on_exit_hold_subcode
  transfer_output transfer_error output_destination remote_initialdir copy_to_spool preserve_relative_paths noop_job`;

/** Other names of the same: synonyms, and the attributes that they become. */
const SYNONYMS = `job_universe remote_universe cmd args arguments2 transfer_input transfer_in transfer_out transfer_err out
  err stdout stderr user_log iwd job_iwd job_notification leave_job_in_queue job_max_retries job_success_exit_code
  acct_group acct_group_user`;

/** Whether and when it ran, as the schedd counts it: dflow's own expressions look at these. */
const COUNTED = `num_shadow_starts num_job_starts job_status last_job_status hold_reason hold_reason_code
  hold_reason_sub_code entered_current_status resident_set_size cluster_id proc_id owner`;

/** Jobs that are made later than asked for, or run several times. */
const SEVERAL = `max_materialize materialize_max_idle max_idle job_materialize_limit job_materialize_max_idle cron_minute
  cron_hour cron_day_of_month cron_month cron_day_of_week cron_window cron_prep_time`;

/** The variables of dflow's own list of jobs. */
const VARIABLES = 'index cpus memory time files';

/** `Periodic_Hold` and `PeriodicHold` are one. */
const plain = (name: string): string => name.toLowerCase().replaceAll('_', '');

const REFUSED = new Set(
  [OURS, SYNONYMS, COUNTED, SEVERAL, VARIABLES].flatMap((names) => names.split(/\s+/).map(plain)),
);

export interface Trouble {
  readonly text: string;
  readonly hint: string;
}

/** What is wrong with a line, if anything. */
export function troubleWith(line: string): Trouble | undefined {
  const [, attribute, name] = /^\s*((?:\+|My\.)*)([A-Za-z_][A-Za-z0-9_.]*)\s*=/i.exec(line) ?? [];
  // A line that ends so goes on in the next one, which is dflow's.
  if (name === undefined || /\\\s*$/.test(line)) {
    return { text: `extra: '${line}' is not a line of a submit description`, hint: "extra: ['rank = Mips']" };
  }
  if (!REFUSED.has(plain(name)) && !(attribute && /^dflow/i.test(name))) return undefined;
  const shown = `${attribute ?? ''}${name}`.toLowerCase();
  const hint = plain(name) === 'requirements' ? 'requirements: EXPRESSION, beside extra' : 'remove it from extra';
  return { text: `extra: ${shown} is set by dflow itself`, hint };
}
