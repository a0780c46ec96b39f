// The end of a process that something may hold: a program that cannot be killed, a call to a disk that never answers.

/** Ends this process after so many milliseconds, whatever it still waits for. Its output is written by then. */
export function endSoon(milliseconds: number): void {
  setTimeout(end, milliseconds).unref();
}

function end(): void {
  // Node waits at its exit for threads that are in calls to a disk: only a kill ends it then.
  if (process.getActiveResourcesInfo().some((name) => name.startsWith('FSReq'))) process.kill(process.pid, 'SIGKILL');
  process.exit();
}
