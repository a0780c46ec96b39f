// A small experiment whose farm is a real batch system, driven by the built program; and stand-ins for the system's
// commands that kill, stop or delay the caller at an exact step and then do the real thing.
import { type ChildProcess, spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BIN, dflow, environment, lines, must } from '../support/cli.ts';
import { documents } from '../support/picture.ts';

export interface ModuleText {
  readonly run: string;
  /** More YAML of the module: `, memory: 50M`. */
  readonly more?: string;
}

/** The batch system of an experiment. */
export interface System {
  /** File name in backends/. */
  readonly backend: string;
  /** Commands that get a stand-in, with their real paths. */
  readonly programs: Readonly<Record<string, string>>;
  /** What a command says when the system's daemon has just gone. */
  readonly gone?: string;
}

/**
 * `kill` and `stop` hit dflow itself, before or after the real command (which, after `stop-before`, waits until dflow
 * goes on); `late`: it is done 3 s later, unseen; `down`: it fails as if the daemon had just gone.
 */
export type Fault = 'kill-before' | 'kill-after' | 'stop-before' | 'stop-after' | 'late' | 'down';

export class Experiment {
  readonly folder: string;
  readonly runs: number;
  readonly #system: System;

  /** `runs` closed files; every module runs once for each. `options`: YAML of the farm's options. */
  constructor(system: System, runs: number, modules: Readonly<Record<string, ModuleText>>, options = '{}', tries = 3) {
    this.folder = mkdtempSync(join(tmpdir(), `dflow ${system.backend}-`));
    chmodSync(this.folder, 0o777);
    this.runs = runs;
    this.#system = system;
    for (const name of ['raw', 'store', 'modules', 'bin']) mkdirSync(join(this.folder, name));
    this.configure(options);
    const texts = Object.entries(modules).map(([name, { run, more = '' }]) => {
      const text = run.replaceAll('$MARKS', `'${join(this.folder, 'marks')}'`);
      return `  ${name}: {raw: true, tries: ${tries}, outputs: {out: txt}, run: ${JSON.stringify(text)}${more}}`;
    });
    const names = Object.keys(modules).join(', ');
    writeFileSync(
      join(this.folder, 'modules/1.0.yaml'),
      `modules:\n${texts.join('\n')}\nrunTypes: {any: [${names}]}\n`,
    );
    const old = new Date(Date.now() - 3_600_000);
    for (let run = 1; run <= runs; run++) {
      const path = join(this.folder, 'raw', `run${run}_0.dat`);
      writeFileSync(path, `run ${run}\n`);
      utimesSync(path, old, old);
    }
    for (const [program, real] of Object.entries(system.programs)) this.#standIn(program, real);
  }

  configure(options: string): void {
    const text = `buffer: {path: ./raw, pattern: 'run{run}_{subrun}.dat', settle: 1s}
runs: {quiet: 0s}
storage: {disk: ./store}
farms: {cedar: {backend: ${this.#system.backend}, slots: 2000, options: ${options}}}
limits: {grace: 1s, submitting: 1s, stale: 1s}
`;
    writeFileSync(join(this.folder, 'dflow.yaml'), text);
  }

  /**
   * First in PATH. FAULT is `<program>[ <first argument>]:<fault>`; it strikes once for each file STRUCK, into which it
   * writes whom, then the real program is used.
   */
  #standIn(program: string, real: string): void {
    const path = join(this.folder, 'bin', program);
    const text = `#!/bin/sh
real=${real} struck=\${STRUCK:-${JSON.stringify(join(this.folder, 'struck'))}} fault=none
case $FAULT in
  ${program}:* | "${program} $1":*) [ -e "$struck" ] || { fault=\${FAULT#*:}; echo $PPID > "$struck"; } ;;
esac
case $fault in
  kill-before) kill -KILL $PPID; exit 1 ;;
  kill-after) "$real" "$@" > /dev/null; kill -KILL $PPID; exit 1 ;;
  stop-before) kill -STOP $PPID; sleep 0.2; while grep -q '^State:.T' /proc/$PPID/status; do sleep 0.05; done ;;
  stop-after) "$real" "$@"; code=$?; kill -STOP $PPID; exit $code ;;
  down) cat > /dev/null; echo ${JSON.stringify(this.#system.gone ?? 'the daemon is gone')} >&2; exit 1 ;;
  late) cat > "$struck.in"; setsid sh -c 'sleep 3; exec "$@" < "$0" > "$0.out" 2>&1' "$struck.in" "$real" "$@" & sleep 60; exit 1 ;;
esac
exec "$real" "$@"
`;
    writeFileSync(path, text);
    chmodSync(path, 0o755);
  }

  /** Registered, copied, enqueued: everything waits for submit. */
  prepare(): void {
    must(this.folder, ['store', 'setup']);
    for (const step of ['register', 'transfer', 'enqueue']) must(this.folder, [step], [0, 1, 75]);
  }

  protected env(fault: string): Record<string, string> {
    return { PATH: `${join(this.folder, 'bin')}:${process.env.PATH}`, FAULT: fault };
  }

  dflow(args: readonly string[], fault = '') {
    rmSync(join(this.folder, 'struck'), { force: true });
    return dflow(this.folder, args, { env: this.env(fault) });
  }

  start(args: readonly string[], fault: string): ChildProcess {
    rmSync(join(this.folder, 'struck'), { force: true });
    const env = environment(this.env(fault), this.folder);
    return spawn(process.execPath, [BIN, ...args], { cwd: this.folder, env, stdio: 'ignore' });
  }

  /** The process that a stand-in has struck, once it has. */
  struck(): number | undefined {
    const path = join(this.folder, 'struck');
    const pid = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
    return pid > 0 ? pid : undefined;
  }

  /** Items that a command printed. */
  items(args: readonly string[], fault = ''): Record<string, unknown>[] {
    return lines(this.dflow([...args, '--json'], fault).out);
  }

  /** Every subjob's state, by `run/module`. */
  // biome-ignore lint/suspicious/noExplicitAny: documents are read as plain JSON here, on purpose
  states(): Map<string, any> {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const jobs = documents(this.folder).filter((doc) => doc.kind === 'job') as any[];
    return new Map(
      jobs.map((job) => [`${job.run}/${job.module}`, { ...job.subjobs[0].state, raw: job.subjobs[0].raw }]),
    );
  }

  count(name: string): number {
    return [...this.states().values()].filter((state) => state.name === name).length;
  }

  /** monitor, reset, submit, as loops do, until `done`. */
  rounds(done: () => boolean, limit = 40): void {
    for (let round = 0; round < limit; round++) {
      for (const step of ['monitor', 'reset', 'submit']) must(this.folder, [step], [0, 1, 75]);
      if (done()) return;
    }
    throw new Error(`not done after ${limit} rounds: ${JSON.stringify([...this.states()])}`);
  }

  /** Keys whose wrapper started, by its own marks. */
  starts(): string[] {
    const folder = join(this.folder, '.dflow/cedar/started');
    return readdirSync(folder).filter((key) => readFileSync(join(folder, key), 'utf8').startsWith('started '));
  }

  /** Runs that payloads wrote to $MARKS, one line each start. */
  marks(): string[] {
    const path = join(this.folder, 'marks');
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').sort() : [];
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
  }
}
