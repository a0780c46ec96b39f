// The error of a store whose answer says nothing: whoever gets it looks again, or tries again.
import { type ErrorDetail, StoreError } from '../../../util/errors.ts';

/** No answer, or none to rely on: what was asked for may have happened. */
export class UnclearError extends StoreError {
  /** The server lives and says that it needed too long. */
  readonly timedOut: boolean;
  /** Milliseconds after which the server wants to be asked again. */
  readonly retryAfter: number | undefined;

  constructor(message: string, detail: ErrorDetail & { timedOut?: boolean; retryAfter?: number | undefined } = {}) {
    super(message, detail);
    this.timedOut = detail.timedOut ?? false;
    this.retryAfter = detail.retryAfter;
  }

  /** The same, with how long it was tried. */
  after(waited: number): UnclearError {
    const seconds = Math.round(waited / 1000);
    if (seconds < 1) return this;
    const { where, hint, timedOut, retryAfter } = this;
    const detail = { ...(where && { where }), ...(hint && { hint }), timedOut, retryAfter };
    return new UnclearError(`${this.message} (tried for ${seconds} s)`, detail);
  }
}
