// Faults of the file system, by path: `vi.mock('node:fs/promises', faultyFiles)` puts them before the real calls.
interface Fault {
  readonly call: 'readdir' | 'stat' | 'open';
  /** End of the path. */
  readonly path: string;
  readonly errno: number;
  readonly code: string;
}

/** What fails now; empty it after each test. */
export const faults: Fault[] = [];

function check(call: Fault['call'], path: unknown): void {
  const text = String(path);
  const fault = faults.find((one) => one.call === call && text.endsWith(one.path));
  if (!fault) return;
  const { errno, code } = fault;
  throw Object.assign(new Error(`${code}: ${call} '${text}'`), { code, errno: -errno, syscall: call, path: text });
}

/** As Node says it: it has no name for a stale file handle. */
export const STALE = { errno: 116, code: 'Unknown system error -116' } as const;
export const DENIED = { errno: 13, code: 'EACCES' } as const;
export const BROKEN = { errno: 5, code: 'EIO' } as const;

export async function faultyFiles(original: () => Promise<unknown>): Promise<Record<string, unknown>> {
  const real = (await original()) as Record<string, (...given: unknown[]) => unknown>;
  const calls = (['readdir', 'stat', 'open'] as const).map((call) => {
    const before = async (...given: unknown[]): Promise<unknown> => {
      check(call, given[0]);
      return real[call]?.(...given);
    };
    return [call, before];
  });
  return { ...real, ...Object.fromEntries(calls) };
}
