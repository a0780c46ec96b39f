// The jobs that run now: started here, or adopted from a supervisor that died. Owns starting a wrapper, knowing when
// it has ended, its record when it could not write one, and stopping it. Does not decide what runs next.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { messageOf } from '../../util/errors.ts';
import { askToEnd, endJobs, isWrapper, JOB_MARK, signal } from '../../util/processes/processes.ts';
import { given } from '../../util/values/given.ts';
import { type ResultRecord, renderRecord } from '../../wrapper/record.ts';
import { readTail } from '../shared/folder/files.ts';
import { report } from './report.ts';
import type { Spool, SpoolSettings } from './spool.ts';

/** Exit codes of wrapper.sh. */
const STARTED_BEFORE = 75;
/** A mark stays empty only while its writer is between two system calls; longer than this, milliseconds, it died. */
const EMPTY_MARK = 2_000;
/** Milliseconds between two looks for what jobs that ended well have left running. */
const LEFTOVERS = 1_000;
/** The wrapper gives its payload 3 s after SIGTERM; then, milliseconds after SIGTERM, everything is killed. */
const PATIENCE = 6_000;

interface Running {
  readonly pid: number;
  /** Of an adopted one; our own children report their end themselves. */
  readonly adopted?: { readonly startTime: string; readonly boot: string };
  termAt?: number;
}

/** How a wrapper ended that left no record. */
interface Ending {
  readonly code?: number;
  readonly signal?: number;
  readonly reason: string;
}

const SIGNALS: Record<string, number> = { SIGHUP: 1, SIGINT: 2, SIGABRT: 6, SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15 };

export class Children {
  readonly #spool: Spool;
  readonly #wrapper: string;
  readonly #settings: () => SpoolSettings;
  readonly #changed: () => void;
  readonly #running = new Map<string, Running>();
  /** Keys in run/ that need another look: an empty mark, a failed start, a record that could not be written. */
  readonly #unsettled = new Map<string, { since: number; ending?: Ending }>();
  readonly #logFolders = new Set<string>();
  /** Ended, and not yet looked for what they left running. */
  readonly #ended = new Set<string>();
  #lookedAt = 0;

  constructor(spool: Spool, wrapper: string, settings: () => SpoolSettings, changed: () => void) {
    this.#spool = spool;
    this.#wrapper = wrapper;
    this.#settings = settings;
    this.#changed = changed;
  }

  /** Slots in use. */
  get size(): number {
    return this.#running.size + this.#unsettled.size;
  }

  /** Something must be looked at again soon, without an event that says so. */
  get needsLook(): boolean {
    if (this.#unsettled.size > 0 || this.#ended.size > 0) return true;
    for (const running of this.#running.values()) if (running.adopted || running.termAt !== undefined) return true;
    return false;
  }

  /** Brings a key of run/ to where it belongs, whatever state a crash left it in. Safe to repeat. */
  settle(key: string): void {
    if (this.#running.has(key)) return;
    const mark = this.#spool.mark(key);
    if (!this.#spool.isTaken(key)) this.#done(key);
    else if (!mark) this.#start(key);
    else if (mark.kind === 'fenced') this.#done(key);
    else if (mark.kind === 'started' && isWrapper(mark, key)) {
      this.#unsettled.delete(key);
      this.#running.set(key, { pid: mark.pid, adopted: { startTime: mark.startTime, boot: mark.boot } });
    } else if (mark.kind === 'started') {
      this.#end(key, { reason: 'the wrapper ended without a record while no supervisor ran' });
    } else {
      const since = this.#unsettled.get(key)?.since ?? Date.now();
      if (Date.now() - since < EMPTY_MARK) this.#unsettled.set(key, { since });
      else this.#end(key, { reason: 'the wrapper died while it started' });
    }
  }

  /** Second looks: adopted ones that ended, unsettled keys, cancelled ones that did not listen. */
  look(): void {
    for (const [key, running] of this.#running) {
      const { adopted, pid, termAt } = running;
      if (adopted && !isWrapper({ pid, ...adopted }, key)) {
        this.#running.delete(key);
        this.#end(key, { reason: 'the wrapper ended without a record' });
      } else if (termAt !== undefined && Date.now() - termAt > PATIENCE) endJobs(new Set([key]));
    }
    for (const [key, { ending }] of [...this.#unsettled]) {
      if (ending) this.#end(key, ending);
      else this.settle(key);
    }
    if (Date.now() - this.#lookedAt >= LEFTOVERS) this.endLeftovers();
  }

  /** Ends what payloads have started in sessions of their own and left behind. One look is for all that ended. */
  endLeftovers(): void {
    if (this.#ended.size === 0) return;
    this.#lookedAt = Date.now();
    endJobs(this.#ended);
    this.#ended.clear();
  }

  /** Stops a running key; false when it does not run here. Repeating it changes nothing. */
  stop(key: string): boolean {
    const running = this.#running.get(key);
    if (!running) return this.#unsettled.has(key);
    if (running.termAt !== undefined) return true;
    running.termAt = Date.now();
    try {
      this.#spool.noteCancel(key);
    } catch (error) {
      // Only the reason in `status` is lost; a full disk must not keep anybody from stopping what fills it.
      report(`cannot note the cancel of ${key}: ${messageOf(error)}`);
    }
    const { pid, adopted } = running;
    // Our own child cannot have lost its number while it is in `running`.
    if (adopted) askToEnd({ pid, ...adopted }, key, true);
    else signal(-pid, 'SIGTERM');
    return true;
  }

  #start(key: string): void {
    const spool = this.#spool;
    const log = spool.logPath(key);
    const args = [this.#wrapper, spool.path('run', key), spool.folder, 'once', log, this.#settings().scratch];
    const output = this.#openLog(log);
    // detached: a session and process group of its own, which outlives us and can be killed as a whole.
    const child = spawn('/bin/sh', args, {
      detached: true,
      stdio: ['ignore', output, output],
      cwd: spool.folder,
      env: { ...process.env, [JOB_MARK]: key },
    });
    if (typeof output === 'number') closeSync(output);
    this.#watch(key, child);
  }

  #watch(key: string, child: ChildProcess): void {
    this.#unsettled.delete(key);
    child.on('error', (error) => {
      // No process (too many of them): nothing has started, so it is tried again.
      report(`cannot start ${key}: ${messageOf(error)}`);
      this.#running.delete(key);
      this.#unsettled.set(key, { since: Date.now() });
    });
    if (child.pid === undefined) return;
    const pid = child.pid;
    this.#running.set(key, { pid });
    child.on('exit', (code, name) => {
      this.#running.delete(key);
      // Another start of this key was first: the mark says which, and that one is followed.
      if (code === STARTED_BEFORE) this.settle(key);
      else this.#end(key, endingOf(code, name));
      this.#changed();
    });
  }

  #openLog(path: string): number | 'ignore' {
    try {
      const folder = dirname(path);
      if (!this.#logFolders.has(folder)) mkdirSync(folder, { recursive: true });
      this.#logFolders.add(folder);
      return openSync(path, 'a');
    } catch (error) {
      // A full disk must not keep the job from ending in a record that says so.
      report(`cannot open ${path}: ${messageOf(error)}`);
      return 'ignore';
    }
  }

  /** The wrapper is gone: makes sure that a record exists, then forgets the key. */
  #end(key: string, ending: Ending): void {
    try {
      if (!this.#spool.hasRecord(key)) this.#writeRecord(key, ending);
      this.#done(key);
    } catch (error) {
      // Most often a full disk; until the record is written the key counts as running.
      report(`cannot end ${key}: ${messageOf(error)}`);
      this.#unsettled.set(key, { since: this.#unsettled.get(key)?.since ?? Date.now(), ending });
    }
  }

  #writeRecord(key: string, ending: Ending): void {
    endJobs(new Set([key]));
    // The record is the end of this key for everybody: after it no start may come.
    this.#spool.fence(key, 'lost');
    this.#spool.removeScratch(this.#settings().scratch, key);
    const mark = this.#spool.mark(key);
    const tail = readTail(this.#spool.logPath(key), 2_048);
    const record: ResultRecord = {
      key,
      execution: mark?.kind === 'started' ? mark.execution : '-',
      phase: ending.signal === undefined ? 'lost' : 'killed',
      exit: ending.signal === undefined ? (ending.code ?? 1) : 128 + ending.signal,
      reason: ending.reason,
      wall: this.#spool.secondsSinceStart(key),
      host: hostname(),
      outputs: [],
      ...given({ signal: ending.signal }),
      ...(tail && { tail: tail.trimEnd().split('\n').slice(-20).join('\n') }),
    };
    this.#spool.writeRecord(key, renderRecord(record));
  }

  #done(key: string): void {
    this.#ended.add(key);
    this.#spool.remove('run', key);
    this.#spool.remove('cancel', key);
    this.#unsettled.delete(key);
  }
}

function endingOf(code: number | null, name: NodeJS.Signals | null): Ending {
  if (name) return { signal: SIGNALS[name] ?? 9, reason: `the wrapper was killed by ${name}` };
  return { code: code ?? 1, reason: `the wrapper ended with exit ${code} and wrote no record` };
}
