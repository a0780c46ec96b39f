// What takes too long is not waited for: a file server that hangs, a batch system that does not answer.

/** What `work` answers, or `undefined` after so many milliseconds; the work itself goes on unheard. */
export async function inTime<T>(work: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
