// Faults have stopped: both hosts go round until nothing is due, and then everything must be where it belongs.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lines, type Ran } from '../cli.ts';
import { filesBelow } from '../picture.ts';
import { empty } from './strikes.ts';
import { HOSTS, type Host, sha, type World } from './world.ts';

// biome-ignore lint/suspicious/noExplicitAny: documents are read as plain JSON here, on purpose
type Loose = any;

const ROUNDS = 12;
const DONE = new Set(['completed', 'canceled', 'deleted']);

function documents(world: World): Loose[] {
  const ran = world.run('buffer1', ['store', 'export']);
  if (ran.code !== 0) throw new Error(`store export: ${ran.err}`);
  return lines<Loose>(ran.out);
}

const jobsOf = (docs: readonly Loose[]): Loose[] => docs.filter((doc) => doc.kind === 'job');
const filesOf = (docs: readonly Loose[]): Loose[] =>
  docs
    .filter((doc) => doc.kind === 'data')
    .flatMap((doc) => doc.files.map((file: Loose) => ({ ...file, run: doc.run })));

function isSettled(docs: readonly Loose[]): boolean {
  const jobs = jobsOf(docs).every((job) => job.subjobs.every(({ state }: Loose) => DONE.has(state.name)));
  return jobs && filesOf(docs).every((file) => file.original.state === 'purged' && copiesOf(file).length === 2);
}

const copiesOf = (file: Loose): [string, Loose][] =>
  (Object.entries(file.replicas) as [string, Loose][]).filter(([, copy]) => copy.state === 'verified');

/** What an operator types once the disks are free again. Answers what ended as no command may end. */
export function settle(world: World): string[] {
  const wrong: string[] = [];
  const run = (host: Host, ...args: string[]): Ran => {
    const ran = world.run(host, args);
    if (ran.code === null || ran.code > 1)
      wrong.push(`${args.join(' ')} at ${host} ended with ${ran.code}: ${ran.err.slice(-800)}`);
    return ran;
  };
  empty(world);
  for (let i = 0; i < ROUNDS; i++) {
    for (const host of HOSTS) run(host, 'chain', '--until-idle');
    run('buffer1', 'verify', '--read', '--repair');
    run('buffer1', 'purge', '--yes');
    if (isSettled(documents(world))) break;
    run('buffer1', 'retry', '--all', '-s', 'failed,partFail,held');
  }
  // A claim goes when it is older than a submit may take and its given-up attempts were missing for `grace`: that is a
  // matter of seconds, however quickly the rest has ended.
  for (let i = 0; i < 60 && (i === 0 || openClaims(documents(world)).length > 0); i++) {
    if (i > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
    for (const host of HOSTS) for (const step of ['monitor', 'reset']) run(host, step);
  }
  return wrong;
}

/** Claims that are still there, but for those of a clock ahead: they are removed when their time has come. */
function openClaims(docs: readonly Loose[]): Loose[] {
  const now = new Date().toISOString();
  return docs.filter((doc) => doc.kind === 'claim' && doc.at <= now);
}

/** Everything that is not as it must be, a line each. */
export function violations(world: World): string[] {
  const docs = documents(world);
  return [...lost(world, docs), ...doubled(world, docs), ...stuck(world, docs), ...left(world, docs)];
}

function content(path: string): string | undefined {
  return existsSync(path) ? sha(readFileSync(path)) : undefined;
}

/** Every raw byte is on the buffer, or in a verified copy that can be read; every verified copy is what it says. */
function lost(world: World, docs: readonly Loose[]): string[] {
  const files = new Map(filesOf(docs).map((file) => [file.name, file]));
  const found: string[] = [];
  for (const [name, wanted] of world.ledger) {
    const file = files.get(name);
    const buffer = content(join(world.folder, 'buffer', name)) === wanted;
    const copies = (file ? copiesOf(file) : []).map(([site, copy]) => ({
      site,
      good: content(join(world.folder, 'se', site, copy.path)) === wanted,
    }));
    if (!buffer && !copies.some(({ good }) => good)) found.push(`lost: ${name}`);
    for (const { site, good } of copies) if (!good) found.push(`false copy: ${name} at ${site}`);
    if (!buffer && file?.original.state === 'purged' && !receipted(world, file)) found.push(`no receipt: ${name}`);
    if (file?.original.state === 'purged' && buffer) found.push(`said to be purged, and there: ${name}`);
  }
  return found;
}

function receipted(world: World, file: Loose): boolean {
  const path = join(world.folder, 'buffer1/.dflow/receipts', file.original.receipt);
  return existsSync(path) && readFileSync(path, 'utf8').includes(file.name);
}

/** No key starts its payload twice, no output is in the catalogue twice. */
function doubled(world: World, docs: readonly Loose[]): string[] {
  const marks = readFileSync(join(world.folder, 'marks'), 'utf8').split('\n').filter(Boolean);
  const outputs = jobsOf(docs).flatMap((job) =>
    job.subjobs.flatMap(({ state }: Loose) =>
      (state.outputs ?? []).map((output: Loose) => `${output.lfn} at ${output.storage}`),
    ),
  );
  const files = filesOf(docs).map((file) => file.lfn);
  return [...twice(marks, 'started'), ...twice(outputs, 'catalogued'), ...twice(files, 'registered')];
}

function twice(all: readonly string[], what: string): string[] {
  const seen = new Set<string>();
  return all.flatMap((one) => {
    const again = seen.has(one);
    seen.add(one);
    return again ? [`${what} twice: ${one}`] : [];
  });
}

/** Everything has ended, or says why not. */
function stuck(world: World, docs: readonly Loose[]): string[] {
  const found: string[] = [];
  for (const job of jobsOf(docs)) {
    for (const { state, index } of job.subjobs) {
      if (DONE.has(state.name)) continue;
      const why = world.run('buffer1', ['why', `${job.run}/${job.module}/${job.pass}`]);
      // The operator has canceled what it needs, and `why` says which and how to go on.
      if (
        state.name === 'waiting' &&
        /^NO +prerequisite .* (?:canceled|deleted)/m.test(why.out) &&
        why.out.includes('Next: dflow retry')
      )
        continue;
      found.push(`stuck: ${job._id}.${index} ${JSON.stringify(state).slice(0, 400)}; why: ${why.out.slice(0, 600)}`);
    }
  }
  for (const file of filesOf(docs)) {
    const good = copiesOf(file).length === 2 && file.original.state === 'purged';
    const states = JSON.stringify([file.original, file.replicas]).slice(0, 600);
    if (!good)
      found.push(
        `stuck: ${file.name} ${states}; why: ${world.run('buffer1', ['why', `${file.run}`]).out.slice(0, 600)}`,
      );
  }
  const known = new Set(filesOf(docs).map((file) => file.name));
  for (const name of world.ledger.keys()) if (!known.has(name)) found.push(`not registered: ${name}`);
  return found;
}

/** Nothing half made, no claim, no slot, no lane. */
function left(world: World, docs: readonly Loose[]): string[] {
  const partial = ['se/sfu', 'se/fnal', 'buffer'].flatMap((place) =>
    filesBelow(join(world.folder, place))
      .filter(
        (path) =>
          path.split('/').some((part) => part.startsWith('.')) &&
          !/^\.dflow-trash|\.dflow-(?:element|place|id|lock)/.test(path),
      )
      .map((path) => `partial: ${place}/${path}`),
  );
  const catalogued = new Set([
    ...filesOf(docs).flatMap((file) => copiesOf(file).map(([site, copy]) => `${site}/${copy.path}`)),
    ...jobsOf(docs).flatMap((job) =>
      job.subjobs.flatMap(({ state }: Loose) =>
        (state.outputs ?? []).map((output: Loose) => `${output.storage}/${output.path}`),
      ),
    ),
  ]);
  // What an attempt that was given up has uploaded all the same: verify names it, and a person decides.
  const named = world.run('buffer1', ['verify', '--json']).out;
  const unknown = filesBelow(join(world.folder, 'se'))
    .filter((path) => !path.split('/').some((part) => part.startsWith('.')) && !catalogued.has(path))
    .filter((path) => !named.includes(path.slice(path.indexOf('/') + 1)))
    .map((path) => `not in the catalogue: ${path}`);
  const [now, soon] = [0, 3_600_000].map((later) => new Date(Date.now() + later).toISOString()) as [string, string];
  const claims = openClaims(docs).map((doc) => `claim left: ${doc._id}`);
  const held = docs.flatMap((doc) => {
    // A lane of a clock ahead counts for nobody.
    const taken = doc.kind === 'lanes' ? doc.held.filter((one: Loose) => one.until > now && one.until < soon) : [];
    return taken.map(() => `lane left: ${doc._id}`);
  });
  const scratch = HOSTS.flatMap((host) => {
    const farm = join(world.folder, host, '.dflow', host === 'buffer1' ? 'east' : 'west', 'scratch');
    return (existsSync(farm) ? readdirSync(farm) : []).map((name) => `scratch left: ${host} ${name}`);
  });
  return [...partial, ...unknown, ...claims, ...held, ...scratch];
}
