// To a real XRootD server, side by side in one run: `dflow transfer` against `xrdcp --parallel 4 --cksum adler32` and
// gfal-copy, with the same guarantees: written under a temporary name, the destination's checksum compared, renamed.
// The server is that of test/systems/xrootd-up.sh; DFLOW_BENCH_URL and DFLOW_BENCH_DATA name another one and its folder.
import { spawn, spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SIZES, sizesOf, source, transferred } from './shared/copying.mjs';
import { median, ran, root, timed } from './shared/experiment.mjs';

const server = process.env.DFLOW_BENCH_URL ?? 'root://localhost:21097/';
const data = process.env.DFLOW_BENCH_DATA ?? join(process.env.DFLOW_SYSTEMS ?? '/opt/dflow-systems', 'xrootd/c/data');
const idOf = (flag) => Number(spawnSync('id', [flag, 'xrootd']).stdout);

const targets = [];
/** A new empty folder on the server; all are removed at the end: ext4 is slow to create where files were just removed. */
function target() {
  const name = `bench${process.pid}-${targets.length}`;
  const path = join(data, name);
  targets.push(path);
  mkdirSync(path);
  chownSync(path, idOf('-u'), idOf('-g'));
  return { url: `${server}/${name}`, name, path };
}

/** `rename` of everything, in one session of xrdfs; exit when one of them fails. */
function renameAll(names, to) {
  const lines = names.map((name) => `mv /${to.name}/.${name}.part /${to.name}/${name}`).join('\n');
  const host = server.replace(/\/+$/, '/');
  const done = spawnSync('xrdfs', [host], { input: `${lines}\nexit\n`, encoding: 'utf8' });
  if (/\[(ERROR|FATAL)\]/.test(done.stdout + done.stderr)) throw new Error(`xrdfs mv: ${done.stdout}${done.stderr}`);
}

/** Several processes of one command, four at once; what xargs -P4 does. */
async function atOnce(jobs, limit = 4) {
  const waiting = [...jobs];
  const one = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      const [command, args] = job;
      const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
      const code = await new Promise((resolve) => child.on('close', resolve));
      if (code !== 0) throw new Error(`${command} ended with ${code}`);
    }
  };
  await Promise.all(Array.from({ length: limit }, one));
}

/**
 * xrdcp to temporary names, then renamed. `--parallel` takes a folder of sources and keeps their names, so the sources
 * are links with the temporary names; `--cksum adler32` compares each copy with the server's checksum.
 */
async function xrdcp({ folder, names }) {
  const to = target();
  const links = mkdtempSync(join(folder, 'links-'));
  for (const name of names) symlinkSync(join(folder, 'raw', name), join(links, `.${name}.part`));
  const sources = names.map((name) => join(links, `.${name}.part`));
  const flags = ['--silent', '--parallel', '4', '--cksum', 'adler32', '--rm-bad-cksum'];
  const seconds = await timed(async () => {
    ran('xrdcp', [...flags, ...sources, `${to.url}/`]);
    renameAll(names, to);
  });
  rmSync(links, { recursive: true });
  return seconds;
}

/** gfal-copy, many files a process, four processes at once, each file verified with -K; then renamed. */
async function gfal({ folder, names }) {
  const to = target();
  const lists = [0, 1, 2, 3]
    .map((part) => names.filter((_, index) => index % 4 === part))
    .filter((one) => one.length > 0);
  const script = lists.map((list, part) => {
    const path = join(folder, `list-${part}`);
    writeFileSync(
      path,
      list
        .map((name) => `file://${folder}/raw/${name} ${to.url}/.${name}.part`)
        .join('\n')
        .concat('\n'),
    );
    const command = `export GFAL_PYTHONBIN=/usr/bin/python3; while read -r from to; do gfal-copy -f -p -K adler32 "$from" "$to" >/dev/null || exit 1; done < ${path}`;
    return ['bash', ['-c', `${command}`]];
  });
  const seconds = await timed(async () => {
    await atOnce(script);
    renameAll(names, to);
  });
  return seconds;
}

function dflow(files) {
  return transferred(files, [`storage: {grid: {protocol: xrootd, url: '${target().url}'}}`, 'transfer: {parallel: 4}']);
}

/** Interleaved, so that what else the machine does meets all of them, and each begins with nothing left to write. */
async function compare(contenders, { count, size, rounds }) {
  const files = source(count, size);
  const times = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  try {
    for (let round = 0; round < rounds; round++) {
      for (const [name, run] of Object.entries(contenders)) {
        spawnSync('sync');
        times[name].push(await run(files));
      }
    }
  } finally {
    rmSync(files.folder, { recursive: true, force: true });
    for (const path of targets.splice(0)) rmSync(path, { recursive: true, force: true });
  }
  return Object.fromEntries(Object.entries(times).map(([name, all]) => [name, median(all)]));
}

export default {
  about: 'copies to a real XRootD server, against xrdcp --parallel 4 (and gfal-copy)',
  needs: ['xrootd', 'xrootd server'],
  options: {
    ...SIZES,
    gfal: { fallback: 'no', about: 'yes: also gfal-copy, which takes minutes' },
  },
  async *run(given) {
    if (!process.env.DFLOW_BENCH_URL) ran('bash', [join(root, 'test/systems/xrootd-up.sh'), 'c']);
    const contenders = { dflow, xrdcp, ...(given.gfal === 'yes' && { gfal }) };
    const rounds = Number(given.rounds);
    const sets = sizesOf(given);
    for (const { count, size, words } of sets.filter((set) => set.count > 0)) {
      const { dflow: value, ...others } = await compare(contenders, { count, size, rounds });
      for (const [name, theirs] of Object.entries(others))
        yield {
          what: `${count} files of ${words}, against ${name}`,
          value,
          yardstick: { name, value: theirs },
          target: name === 'xrdcp' ? { atLeast: 2 } : undefined,
        };
    }
  },
};
