// What the configuration says of a job of the first pass.

/** A job of the first pass, as the configuration says it. */
export interface FirstPassJob {
  readonly name: string;
  /** Shell command; it prints tables, and its arguments are the raw files of the run. */
  readonly run: string;
  /** Jobs that must be completed first. */
  readonly needs: readonly string[];
  /** False: the run is processed without it. */
  readonly required: boolean;
  /** Failures after which it is given up; absent: never. */
  readonly tries?: number;
  /** Milliseconds that it may take. */
  readonly timeout: number;
  /** Run types that need it; absent: every run. */
  readonly when?: readonly string[];
  /** Tables that it must print. `required`: the required tables of the run. */
  readonly makes: readonly string[] | 'required';
}
