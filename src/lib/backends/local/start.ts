// Wakes the supervisor: starts it, detached, unless one holds the lock. Knows nothing of what it does.
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync, statSync, truncateSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UnreachableError } from '../../util/errors.ts';
import { tryLock } from '../../util/processes/lock.ts';
import { isGone } from '../../util/processes/processes.ts';
import { ifThere, readTail } from '../shared/folder/files.ts';
import type { Spool } from './spool.ts';

/** Milliseconds that a supervisor may take to start. */
const START = 20_000;
/** Milliseconds that a killed one may take to let the lock go. */
const DOUBT = 1_000;
const LOG_LIMIT = 1_000_000;

/** The supervisor's file in the installed package: bundling moves code about, so the package's root is looked up. */
export function supervisorScript(from = import.meta.url): string {
  let folder = dirname(fileURLToPath(from));
  for (;;) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).name === 'dflow') break;
    const parent = dirname(folder);
    if (parent === folder) throw new UnreachableError('the local supervisor is not where dflow is installed');
    folder = parent;
  }
  return join(folder, 'dist/lib/backends/local/supervisor.js');
}

function launch(spool: Spool, script: string): ChildProcess {
  if (!existsSync(script)) {
    throw new UnreachableError(`the local supervisor is missing: ${script}`, { hint: 'npm run build' });
  }
  const log = spool.path('supervisor.log');
  if ((ifThere(() => statSync(log).size) ?? 0) > LOG_LIMIT) truncateSync(log);
  const output = openSync(log, 'a');
  // Jobs inherit its environment; what belongs to dflow itself (credentials among it) is not theirs.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('DFLOW_')));
  const child = spawn(process.execPath, [script, spool.folder], {
    detached: true,
    stdio: ['ignore', output, output],
    cwd: spool.folder,
    env,
  });
  closeSync(output);
  child.unref();
  return child;
}

function isHeld(spool: Spool): boolean {
  const lock = tryLock(spool.path('lock'));
  lock?.release();
  return lock === undefined;
}

/**
 * The one that signed has been killed, and its threads, which still end, have the lock: nobody works, but it is held.
 * Also true for a moment while the next one has the lock and has not signed yet.
 */
function isLeftOver(spool: Spool): boolean {
  const signed = ifThere(() => readFileSync(spool.path('supervisor.pid'), 'utf8'));
  return signed !== undefined && isGone(Number(signed));
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/**
 * Returns once a supervisor holds the lock, or there is nothing for it to do. Idempotent.
 * @throws UnreachableError it cannot be started; the reason is quoted from its log
 */
export async function ensureSupervisor(spool: Spool, script: string): Promise<void> {
  const deadline = Date.now() + START;
  let child: ChildProcess | undefined;
  // Whoever signed in another container has a number that nobody has here: the lock is believed after a while.
  const doubt = Date.now() + DOUBT;
  while (spool.hasWork()) {
    if (isHeld(spool)) {
      if (!isLeftOver(spool) || Date.now() > doubt) return;
    } else {
      if (child && ended(child) && child.exitCode !== 0) throw cannotStart(spool);
      // One that ended well met another's probe of the lock; the next one looks again.
      if (!child || ended(child)) child = launch(spool, script);
      if (Date.now() > deadline) throw cannotStart(spool);
    }
    await pause();
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 15));

function cannotStart(spool: Spool): UnreachableError {
  const log = spool.path('supervisor.log');
  const last = readTail(log, 2_000)?.trim().split('\n').slice(-3).join(' | ') ?? 'no message';
  return new UnreachableError(`the local supervisor does not start: ${last}`, { where: log });
}
