// Document ids: they sort, they say what they are, and they are deterministic, so that creating is idempotent.

/** Run numbers are at most ten digits, as in the file names. */
const RUN_DIGITS = 10;
export const MAX_RUN = 9_999_999_999;

export function pad(value: number, digits: number): string {
  return String(value).padStart(digits, '0');
}
export function runPad(run: number): string {
  return pad(run, RUN_DIGITS);
}

/** What the ids of runs begin with; their number comes next. */
export const RUN = 'run:';
export const dataPrefix = (level: string): string => `data:${level}:`;
export const runId = (run: number): string => `${RUN}${runPad(run)}`;
export const dataId = (level: string, run: number): string => `${dataPrefix(level)}${runPad(run)}`;
export const jobId = (run: number, module: string, pass: number): string =>
  `job:${runPad(run)}:${module}:${pad(pass, 3)}`;
/** What the ids of a run's passes begin with, or of those of a module. */
/** What the ids of jobs begin with; their run comes next. */
export const JOB = 'job:';
export const jobPrefix = (run: number, module?: string): string =>
  `job:${runPad(run)}:${module === undefined ? '' : `${module}:`}`;
export const farmId = (site: string): string => `farm:${site}`;
export const claimId = (nonce: string): string => `claim:${nonce}`;
export const leaseId = (what: string, site: string): string => `lease:${what}:${site}`;
export const loopId = (host: string, loop: string): string => `loop:${host}:${loop}`;
export const requestId = (name: string): string => `request:${name}`;

/** A piece of the plan of a request, by the digest of its content. */
export const planId = (request: string, digest: string): string => `plan:${request}:${digest}`;
export const noteId = (at: string, nonce: string): string => `note:${at}:${nonce}`;
export const holdId = (slug: string): string => `hold:${slug}`;
export const quarantineId = (level: string, name: string): string => `quarantine:${level}:${name}`;

/** What `jobId` was made of; `undefined` for any other id. */
export function parseJobId(id: string): { run: number; module: string; pass: number } | undefined {
  const match = /^job:(\d{10}):([A-Za-z0-9_.-]+):(\d{3,})$/.exec(id);
  if (!match) return undefined;
  return { run: Number(match[1]), module: match[2] ?? '', pass: Number(match[3]) };
}

/** `109134/Analysis40/2`, with `.007` for a subjob: what people read, paste and pipe. */
export function refOf(run: number, module?: string, pass?: number, subjob?: number): string {
  const parts = [String(run)];
  if (module !== undefined) parts.push(module);
  if (pass !== undefined) parts.push(subjob === undefined ? String(pass) : `${pass}.${pad(subjob, 3)}`);
  return parts.join('/');
}
