// screens: the loops of this host as windows of one tmux session. A window runs a small script that starts its loop again
// when it dies. What is planned stands in the configuration; what runs, tmux knows.
import { join } from 'node:path';
import { LOOP_NAMES, type PlannedLoop, plainPlan } from '../../../domain/farms/hostplan.ts';
import { named } from '../../../domain/named.ts';
import type { Settings } from '../../../domain/settings.ts';
import { UsageError } from '../../../util/errors.ts';
import { writing } from '../../../util/files/ownfolder.ts';
import { shellQuoted } from '../../../util/text/shell.ts';
import { SECOND } from '../../../util/time.ts';
import type { Item, ItemOf, Machine, Step } from '../../ports.ts';
import { type Launch, launchOf, type Program } from './launch.ts';
import { sessionName, Tmux, type Window } from './tmux.ts';
import type { Unit } from './units.ts';
import watch from './watch.sh';

/** What screens are made of: no store is needed. */
export interface ScreensWorld {
  readonly settings: Settings;
  readonly host: string;
  readonly program: Program;
  readonly files: Machine['files'];
  readonly locks: Machine['locks'];
  readonly processes: Machine['processes'];
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Variables of this process that the loops need too. */
  readonly env: Readonly<Record<string, string>>;
  /** Run on this host though the configuration does not name it. */
  readonly here?: boolean;
  readonly dryRun?: boolean;
}

type ScreenItem = ItemOf<'screen'>;

/** Loops of this host with their command lines. @throws UsageError the configuration does not name this host */
export function launches(world: ScreensWorld, once = false): Launch[] {
  const { settings, program } = world;
  const here = world.here === true && settings.plan === undefined;
  return planOf(world).map((planned) => launchOf(planned, settings.file, program, { once, here }));
}

/** The loops that are planned for this host. @throws UsageError none are */
export function planOf({ settings, host, here }: ScreensWorld): readonly PlannedLoop[] {
  const { plan, hosts, file } = settings;
  if (plan) return plan;
  if (here) return plainPlan(settings.loops);
  const known = hosts.map(({ pattern }) => pattern).join(', ');
  const text = known === '' ? 'the configuration has no hosts:' : `hosts: of the configuration names only ${known}`;
  throw new UsageError(`${text}, so no loop is planned for this host, '${host}'`, {
    where: file,
    hint: `hosts: {${host}: {loops: [${LOOP_NAMES.slice(0, 3).join(', ')}]}} in the configuration; or --here for the default loops`,
  });
}

export function tmuxOf({ settings, processes }: Pick<ScreensWorld, 'settings' | 'processes'>): Tmux {
  return new Tmux(processes, sessionName(settings.experiment), settings.folder);
}

/** Opens a window for each loop that has none. Loops that run go on. */
export async function* start(world: ScreensWorld, names: readonly string[] = []): Step {
  const tmux = tmuxOf(world);
  const wanted = chosen(launches(world), names);
  const there = await byName(tmux);
  const missing = wanted.filter(({ name, on }) => on && alive(there.get(name)) === undefined);
  for (const launch of wanted) {
    if (!launch.on) yield item(tmux, launch.name, 'skipped', 'switched off in the configuration (on: false)');
    else if (alive(there.get(launch.name))) yield item(tmux, launch.name, 'unchanged', 'runs');
  }
  yield* strangers(tmux, [...there.values()], world, names);
  if (world.dryRun) {
    for (const { name } of missing) yield { ...item(tmux, name, 'started', 'would be opened'), dryRun: true };
    return;
  }
  if (missing.length === 0) return;
  const script = await writeScript(world);
  for (const { name } of missing) if (there.has(name)) await tmux.close(name);
  await tmux.open(
    missing.map(({ name, command }) => ({
      name,
      folder: world.settings.folder,
      command: ['sh', script, name, world.settings.folder, ...command],
    })),
  );
  await world.sleep(SECOND);
  const now = await byName(tmux);
  for (const { name, command } of missing) {
    const window = alive(now.get(name));
    if (window) yield { ...item(tmux, name, 'started', `runs in window ${name} of ${tmux.session}`), pid: window.pid };
    else yield failedAtOnce(tmux, name, command);
  }
}

async function byName(tmux: Tmux): Promise<ReadonlyMap<string, Window>> {
  return new Map((await tmux.windows()).map((window) => [window.name, window]));
}

function failedAtOnce(tmux: Tmux, name: string, command: readonly string[]): ScreenItem {
  const text = 'its window closed at once';
  return { ...item(tmux, name, 'failed', text), failed: true, next: `dflow ${command.slice(2).join(' ')}` };
}

/** Windows of our session that no loop of the configuration has. */
function* strangers(
  tmux: Tmux,
  windows: readonly Window[],
  world: ScreensWorld,
  names: readonly string[],
): Generator<Item> {
  if (names.length > 0) return;
  const known = new Set(planOf(world).map(({ name }) => name));
  for (const { name } of windows) {
    if (known.has(name)) continue;
    const text = 'a window that is not a loop of the configuration';
    yield { ...item(tmux, name, 'kept', text), next: `dflow screens stop ${name}` };
  }
}

/** Tells the loops to end after the item in hand, and waits; `patience`: milliseconds after which they are cut off. */
export async function* stop(world: ScreensWorld, names: readonly string[], patience: number): Step {
  const tmux = tmuxOf(world);
  const windows = await tmux.windows();
  const ours = names.length === 0 ? windows : windows.filter(({ name }) => names.includes(name));
  for (const name of names) if (!windows.some((window) => window.name === name)) yield notThere(tmux, world, name);
  if (world.dryRun) {
    for (const { name } of ours) yield { ...item(tmux, name, 'stopped', 'would be stopped'), dryRun: true };
    return;
  }
  for (const window of ours) if (!window.dead) await tmux.signal(window, 'TERM');
  let left = ours;
  for (let waited = 0; left.length > 0; waited += PAUSE) {
    const now = new Map((await tmux.windows()).map((window) => [window.name, window.pid]));
    for (const { name } of left.filter((window) => now.get(window.name) !== window.pid))
      yield item(tmux, name, 'stopped', 'stopped after the item in hand');
    left = left.filter((window) => now.get(window.name) === window.pid);
    for (const { name } of left.filter(({ dead }) => dead)) await tmux.close(name);
    if (waited >= patience) break;
    if (waited === TELL) for (const { name } of left) yield item(tmux, name, 'waiting', 'ends after the item in hand');
    if (left.length > 0) await world.sleep(PAUSE);
  }
  for (const window of left) {
    // The second signal: what is under way is given back.
    await tmux.signal(window, 'TERM');
    await world.sleep(PAUSE);
    await tmux.close(window.name);
    yield item(tmux, window.name, 'stopped', 'did not end by itself, and was cut off');
  }
}

/** Milliseconds between two looks at windows that shall end. */
const PAUSE = 250;
/** Whoever waits so long is told what for. */
const TELL = 3 * SECOND;

function notThere(tmux: Tmux, { settings }: ScreensWorld, name: string): ScreenItem {
  named('loop', name, settings.plan?.map((planned) => planned.name) ?? [name]);
  return item(tmux, name, 'unchanged', 'has no window');
}

function chosen(all: readonly Launch[], names: readonly string[]): readonly Launch[] {
  const known = all.map(({ name }) => name);
  for (const name of names) named('loop', name, known);
  return names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
}

function alive(window: Window | undefined): Window | undefined {
  return window?.dead ? undefined : window;
}

function item(tmux: Tmux, name: string, did: ScreenItem['did'], text: string): ScreenItem {
  return { kind: 'screen', ref: name, did, session: tmux.session, text };
}

/** The script of the windows, and the variables that it reads: they may hold secrets, so they are in no command line. */
async function writeScript(world: ScreensWorld): Promise<string> {
  const { settings, files, env } = world;
  const script = screensFile(world, 'sh');
  const lines = Object.entries(env).map(([name, value]) => `export ${name}=${shellQuoted(value)}\n`);
  await writing(`${settings.folder}/.dflow`, async () => {
    await files.replace(script, watch);
    await files.replace(screensFile(world, 'env'), lines.join(''));
  });
  return script;
}

/** A file of the windows of this host. */
export function screensFile({ settings, host }: ScreensWorld, ending: 'sh' | 'env' | 'lock'): string {
  return `${settings.folder}/.dflow/screens/${host.replace(/[^\w.-]/g, '_')}.${ending}`;
}

/** Words of the tmux command that shows the session. @throws UsageError it does not run, or has no such window */
export async function attachment(world: ScreensWorld, name: string | undefined, inside: boolean): Promise<string[]> {
  const tmux = tmuxOf(world);
  const windows = await tmux.windows();
  if (windows.length === 0)
    throw new UsageError(`no loop of this host runs in tmux (session ${tmux.session})`, {
      hint: 'dflow screens start',
    });
  if (name !== undefined)
    named(
      'loop',
      name,
      windows.map((window) => window.name),
    );
  const target = name === undefined ? `=${tmux.session}` : `=${tmux.session}:=${name}`;
  return [inside ? 'switch-client' : 'attach-session', '-t', target];
}

/** Writes unit files into a folder. */
export async function* unitFiles({ files, dryRun }: ScreensWorld, made: readonly Unit[], folder: string): Step {
  for (const { name, text } of made) {
    const path = join(folder, name);
    if (!dryRun) await files.replace(path, text, 0o644);
    yield { kind: 'screen', ref: name, did: 'written', text: path, ...(dryRun ? { dryRun } : {}) };
  }
}
