// Errors are meanings: the class says the exit code (COMMANDS: exit codes), the message says the fact,
// `hint` says what to type next. They are printed in one place, by the base command.

export const EXIT = {
  done: 0,
  itemsFailed: 1,
  usage: 2,
  storeUnreachable: 3,
  credentials: 4,
  unreachable: 5,
  busy: 75,
  timedOut: 124,
} as const;

export interface ErrorDetail {
  /** What to type or do next. */
  readonly hint?: string;
  /** Where: a `file:line:column`, a document id, a URL without its credentials. */
  readonly where?: string;
  readonly cause?: unknown;
}

/** Base of every error that dflow means; anything else is a defect and exits 70. */
export class DflowError extends Error {
  readonly exit: number = EXIT.itemsFailed;
  readonly hint: string | undefined;
  readonly where: string | undefined;
  constructor(message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = new.target.name;
    this.hint = detail.hint;
    this.where = detail.where;
  }
}

/** The command line or a selection is wrong (exit 2). */
export class UsageError extends DflowError {
  override readonly exit = EXIT.usage;
}
/** The configuration or a module file is wrong (exit 2). */
export class ConfigError extends DflowError {
  override readonly exit = EXIT.usage;
}
/** A changing command on a store that must not be written: a replica, a newer schema, not set up (exit 2). */
export class ReadOnlyStoreError extends DflowError {
  override readonly exit = EXIT.usage;
}
/** The store cannot be reached, or its disk is full (exit 3). */
export class StoreError extends DflowError {
  override readonly exit: number = EXIT.storeUnreachable;
}
/** The store refuses the login: a wrong user or password (exit 4). */
export class LoginError extends StoreError {
  override readonly exit = EXIT.credentials;
}
/** Credentials are missing or expired (exit 4). */
export class CredentialsError extends DflowError {
  override readonly exit = EXIT.credentials;
}
/** A batch system or storage element cannot be reached, or is not the one expected (exit 5). */
export class UnreachableError extends DflowError {
  override readonly exit = EXIT.unreachable;
}
/** Another instance holds the lease (exit 75). */
export class BusyError extends DflowError {
  override readonly exit = EXIT.busy;
}
/** One item failed: a file, a run, a job; the others went on (exit 1). */
export class ItemError extends DflowError {}
/** The same, where another try soon may well succeed: the server was busy. */
export class BusyItemError extends ItemError {}
/** A file is already at the path, and was not replaced. */
export class TakenError extends ItemError {}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
