// Ending on a signal: what this process holds for others (leases, lanes, slots of copies) is given back first. Who holds
// something looks at `stopping`, lets go, and says so; then, or after a few seconds, the process ends.

const controller = new AbortController();
let held = 0;
let end: (() => void) | undefined;

/** Aborted once this process has been told to end, with a `StoppedError`. */
export const stopping: AbortSignal = controller.signal;

/** A signal has come: what was begun is stopped, and not recorded as failed. */
export class StoppedError extends Error {}

/** Longest time to give back: a store that hangs must not keep the process. */
const PATIENCE = 10_000;

/** Says that something has to be given back; the answer says that it is. */
export function giveBack(): () => void {
  held++;
  let open = true;
  return () => {
    if (open) held--;
    open = false;
    if (held === 0) end?.();
  };
}

/** Ends with `exit` as soon as nothing is held any more; told again, at once. */
export function stop(exit: () => void): void {
  if (end !== undefined || held === 0) {
    exit();
    return;
  }
  end = exit;
  setTimeout(exit, PATIENCE).unref();
  controller.abort(new StoppedError('stopped by a signal'));
}
