// The result record that the wrapper writes: its shape, and the parser of its text.

export interface RecordOutput {
  readonly type: string;
  readonly name: string;
  readonly storage: string;
  /** Relative path at the storage element, with the execution in it. */
  readonly path: string;
  readonly size: number;
  /** `md5:<hex>` as the wrapper saw it, equal at source and destination. */
  readonly checksum: string;
}

export interface ResultRecord {
  readonly key: string;
  /** Nonce of this start of the wrapper. */
  readonly execution: string;
  /** `done`, or the phase that failed: setup, stage-in, payload, outputs, stage-out, killed, lost. */
  readonly phase: string;
  /** Exit code of the payload or the failed phase; 0 when done. */
  readonly exit: number;
  readonly signal?: number;
  /** One line for people: `missing output counts; found: foo.txt`. */
  readonly reason: string;
  /** Seconds. */
  readonly wall: number;
  readonly cpu?: number;
  /** KiB. */
  readonly maxRss?: number;
  readonly host: string;
  readonly outputs: readonly RecordOutput[];
  /** Last lines of the log, for causes. */
  readonly tail?: string;
}
