// What the supervisor does while it holds the lock: keeps at most `slots` jobs of ready/ running, serves cancels, and
// ends when there is nothing to do. Everything is read from the spool again, so that it may be killed at any moment.
import { type FSWatcher, readFileSync, watch } from 'node:fs';
import { messageOf } from '../../util/errors.ts';
import { tryLock } from '../../util/processes/lock.ts';
import { wrapper } from '../../wrapper/program.ts';
import { ifThere } from '../shared/folder/files.ts';
import { sweep } from '../shared/folder/sweep.ts';
import { Children } from './children.ts';
import { report } from './report.ts';
import { keyOf, type Spool, type SpoolSettings } from './spool.ts';

/** Milliseconds without work after which the supervisor ends. */
const LINGER = 500;

export class Loop {
  readonly #spool: Spool;
  readonly #children: Children;
  #settings: SpoolSettings;
  #settingsRead = 0;
  #queue: string[] = [];
  #next = 0;
  #wake: (() => void) | undefined;
  #awake = false;

  constructor(spool: Spool) {
    this.#spool = spool;
    this.#settings = spool.readSettings() ?? { slots: 1, scratch: spool.path('scratch'), keep: 7 * 86_400_000 };
    const script = spool.path('wrapper.sh');
    if (ifThere(() => readFileSync(script, 'utf8')) !== wrapper) spool.write(script, wrapper);
    this.#children = new Children(
      spool,
      script,
      () => this.#settings,
      () => this.#rouse(),
    );
  }

  /**
   * Works while the lock can be had and there is work. The lock is given up before the last look at the spool, and
   * whoever hands in work tries the lock afterwards: one of the two sees it.
   */
  async run(): Promise<void> {
    do {
      const lock = tryLock(this.#spool.path('lock'));
      if (!lock) return;
      try {
        this.#sign();
        await this.#work();
        await sweep(this.#spool, this.#settings.keep, async () => () => false).catch((error) =>
          report(`sweep: ${messageOf(error)}`),
        );
      } finally {
        lock.release();
      }
    } while (this.#spool.hasWork());
  }

  /** Who holds the lock, for people; what counts is the lock, so a full disk is not a reason to stop. */
  #sign(): void {
    try {
      this.#spool.write(this.#spool.path('supervisor.pid'), `${process.pid}\n`);
    } catch (error) {
      report(`cannot write supervisor.pid: ${messageOf(error)}`);
    }
  }

  async #work(): Promise<void> {
    const watchers = this.#watchers();
    try {
      for (const key of this.#spool.list('run')) this.#children.settle(key);
      let idleSince = Date.now();
      while (Date.now() - idleSince < LINGER) {
        this.#step();
        if (this.#children.size > 0) idleSince = Date.now();
        await this.#nap(this.#pause(watchers.length > 0));
      }
    } finally {
      this.#children.endLeftovers();
      for (const watcher of watchers) watcher.close();
    }
  }

  #step(): void {
    this.#readSettings();
    this.#children.look();
    for (const key of this.#spool.list('cancel')) {
      if (!this.#children.stop(key)) this.#spool.remove('cancel', key);
    }
    while (this.#children.size < this.#settings.slots) {
      const name = this.#take();
      if (name === undefined) return;
      this.#children.settle(keyOf(name));
    }
  }

  /** Steps come with every job's end; settings change a few times a day. */
  #readSettings(): void {
    if (Date.now() - this.#settingsRead < 200) return;
    this.#settings = this.#spool.readSettings() ?? this.#settings;
    this.#settingsRead = Date.now();
  }

  /** The next released key, moved to run/. Names only grow, so ready/ is listed again only when the list is used up. */
  #take(): string | undefined {
    for (;;) {
      if (this.#next >= this.#queue.length) {
        this.#queue = this.#spool.ready();
        this.#next = 0;
        if (this.#queue.length === 0) return undefined;
      }
      const name = this.#queue[this.#next]!;
      this.#next += 1;
      if (this.#spool.take(name)) return name;
    }
  }

  #pause(watched: boolean): number {
    if (!watched) return 40;
    return this.#children.needsLook ? 100 : 250;
  }

  #nap(milliseconds: number): Promise<void> {
    if (this.#awake) {
      this.#awake = false;
      // One turn of the event loop, so that several ends or file events make one step.
      return new Promise((resolve) => setImmediate(resolve));
    }
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = undefined;
        this.#awake = false;
        resolve();
      };
    });
  }

  #rouse(): void {
    this.#awake = true;
    if (this.#wake) setImmediate(() => this.#wake?.());
  }

  /** Watching only saves time; without it (no inotify instance left) the loop looks more often. */
  #watchers(): FSWatcher[] {
    try {
      const ready = watch(this.#spool.path('ready'), () => {
        // Our own moves out of ready/ are events as well; without a free slot none matters.
        if (this.#children.size < this.#settings.slots) this.#rouse();
      });
      return [ready, watch(this.#spool.path('cancel'), () => this.#rouse())];
    } catch {
      return [];
    }
  }
}
