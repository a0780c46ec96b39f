// What a check of the set-up is. Each is one file of checks/ and exports `check`; the build lists them in checks.ts.
import type { Backend } from '../../../backend.ts';
import type { CheckGroup, CheckOutcome } from '../../../domain/results/items.ts';
import type { Store } from '../../../store.ts';
import { SECOND } from '../../../util/time.ts';
import type { Ports } from '../../ports.ts';

/** A program that the configuration needs. */
export interface Tool {
  readonly program: string;
  /** Shell text that prints its version; `"$1"` is the program. */
  readonly version: string;
  /** What needs it: `farm cedar`, `storage fnal`. */
  readonly users: readonly string[];
  /** How a person gets it. */
  readonly install: string;
}

/** What a check is given: all that a step has, and what only an examination asks for. */
export interface Patient extends Ports {
  /** The batch system of a farm under a name and in a folder of its own: its jobs are not those of the experiment. */
  trialBackend(farm: string): Promise<Backend>;
  /** The store itself, once it is open: what it can be asked beyond what every command asks. */
  opened(): Promise<Store>;
  readonly tools: readonly Tool[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where grid tools look for a proxy when no variable names it. */
  readonly usualProxy: string;
  /** Storage elements whose servers show X.509 certificates, or ask for one. */
  readonly x509: readonly string[];
  /** Of Node: `22.3.0`. */
  readonly node: string;
  /** Ranges of versions of Node that dflow runs on: `>=20.20`. */
  readonly nodeWanted: string;
  /** The clock of this host, milliseconds. */
  clock(): number;
}

/** What was found out about one thing. */
export interface Finding {
  readonly outcome: CheckOutcome;
  /** One sentence: what was found. */
  readonly found: string;
  /** A command or a line of configuration that mends it. */
  readonly fix?: string;
  /** Where one look finds out about several things. */
  readonly subject?: string;
  /** Every command refuses to change the store for this. */
  readonly refused?: true;
}

/** One thing to be looked at, with a time limit of its own. */
export interface Look {
  readonly subject: string;
  /** What it changes for a moment, in words: a dry run says it and does not look. */
  readonly touches?: string;
  /** Milliseconds; default 20 s. */
  readonly limit?: number;
  /** `signal` is aborted when nobody waits for the answer any more. */
  look(signal: AbortSignal): Promise<Finding | readonly Finding[]>;
}

/** What docs/doctor.md says of a thing that is looked at. */
export interface About {
  /** As `--only` takes it; a word in capitals stands for a name. */
  readonly ref: string;
  readonly looks: string;
  readonly means: string;
  readonly mends: string;
}

export interface Check {
  /** As `--only` takes it. */
  readonly name: string;
  readonly group: CheckGroup;
  /** Asks no server and no other program: `config check` and `init` end with these. */
  readonly offline?: true;
  readonly about: readonly About[];
  looks(patient: Patient): readonly Look[];
}

/** A check for which an operator would not wait any longer. */
export const PATIENCE = 20 * SECOND;

export const ok = (found: string, subject?: string): Finding => finding('ok', found, undefined, subject);
export const warning = (found: string, fix: string, subject?: string): Finding =>
  finding('warning', found, fix, subject);
export const failed = (found: string, fix: string, subject?: string): Finding => finding('failed', found, fix, subject);
export const notChecked = (found: string, fix?: string, subject?: string): Finding =>
  finding('not-checked', found, fix, subject);

function finding(outcome: CheckOutcome, found: string, fix: string | undefined, subject: string | undefined): Finding {
  return { outcome, found, ...(fix === undefined ? {} : { fix }), ...(subject === undefined ? {} : { subject }) };
}
