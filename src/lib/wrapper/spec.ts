// What a job is, told to the wrapper: pure data, and its rendering as a shell file in which everything is quoted.

export interface StageIn {
  /** Where the payload finds it: an absolute path or URL, or a name in the scratch folder when `copy` is set. */
  readonly source: string;
  readonly name: string;
  /** Copy to the scratch folder first, instead of reading it where it is. */
  readonly copy: boolean;
}

/** A storage element as the wrapper sees it; tried in order. */
export interface StageOut {
  readonly storage: string;
  /** `posix`, ...: which commands copy and check. */
  readonly protocol: string;
  /** Absolute folder or URL below which `<execution>/<name>` is written. */
  readonly folder: string;
  /** The same folder as the storage element's relative path. */
  readonly path: string;
}

export interface SpecOutput {
  readonly type: string;
  /** Final file name; safe characters only. */
  readonly name: string;
}

export interface JobSpec {
  readonly key: string;
  /** `109134/Processing/1.002`, for people and logs. */
  readonly ref: string;
  /** Shell text that sets up the release; empty: none. */
  readonly setup: string;
  /** Shell text of the payload; inputs are its arguments. */
  readonly command: string;
  readonly inputs: readonly StageIn[];
  /** Absolute paths linked into the scratch folder. */
  readonly files: readonly string[];
  readonly outputs: readonly SpecOutput[];
  readonly env: Readonly<Record<string, string>>;
  /** Payload limit, seconds; 0: none. */
  readonly limit: number;
  readonly destinations: readonly StageOut[];
  readonly cpus: number;
  /** MiB; absent: the batch system's default. */
  readonly memory?: number;
}
