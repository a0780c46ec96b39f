// Trivial jobs through the Ganga backend (its Local backend), held and released, beside a script of Ganga that submits the
// same jobs with nothing around them. Start-up is paid once by either.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { build } from 'esbuild';
import { ran, root, timed, withFolder } from './shared/experiment.mjs';
import { programPath } from './shared/tools.mjs';

/** Held jobs wait as processes of this machine, so they are handed over, released and ended in slices. */
const SLICE = 50;
const REQUIRE = `import { createRequire as dflowRequire } from 'node:module';
const require = dflowRequire(import.meta.url);`;
const TASK = {
  setup: '',
  command: ':',
  inputs: [],
  files: [],
  outputs: [],
  env: {},
  limit: 0,
  destinations: [],
  cpus: 1,
};

const nonce = () => Math.random().toString(36).slice(2);

/** The product's backend, on a folder. */
async function opened(folder, count) {
  // Below the project, so that packages are found.
  const outfile = join(root, 'node_modules/.cache', `dflow-bench-ganga-${process.pid}.mjs`);
  const entryPoints = [join(root, 'src/lib/backends/ganga/ganga.ts')];
  const form = { bundle: true, format: 'esm', platform: 'node', loader: { '.sh': 'text', '.py': 'text' } };
  const external = ['libsql', 'node:sqlite'];
  await build({ entryPoints, outfile, external, ...form, banner: { js: REQUIRE } });
  const { open } = await import(outfile);
  rmSync(outfile);
  const options = { ganga: programPath('ganga'), idle: '1m', holdLimit: '1h', beat: '1m' };
  const farm = { name: 'here', backend: 'ganga', slots: count, pending: 0, output: [], reads: [], setup: {}, env: {} };
  return open({ ...farm, options }, { folder: join(folder, 'farm'), uuid: 'bench', nonce });
}

async function ended(backend, count) {
  for (;;) {
    const records = await backend.records(10_000);
    if (records.length >= count) return backend.acknowledge(records);
    await pause(100);
  }
}

/** Seconds of submitting, held, and of releasing. */
async function byDflow(folder, count) {
  const backend = await opened(folder, count);
  const spent = { submit: 0, release: 0 };
  for (let at = 0; at < count; at += SLICE) {
    const claim = `c${nonce()}`;
    const keys = Array.from({ length: Math.min(SLICE, count - at) }, (_, index) => `${claim}.${index}`);
    const tasks = keys.map((key) => ({ key, spec: { key, ref: key, ...TASK } }));
    spent.submit += await timed(() => backend.submit(claim, tasks));
    spent.release += await timed(() => backend.release(keys));
    await ended(backend, keys.length);
  }
  await backend.close();
  return spent;
}

/** The same number of jobs of /bin/true, in one script of Ganga. */
function byGanga(folder, count) {
  const [script, out] = [join(folder, 'plain.py'), join(folder, 'plain.txt')];
  writeFileSync(
    script,
    `import time
began = time.time()
for i in range(${count}):
    j = Job(name="plain.%d" % i, comment="plain.%d" % i)
    j.application = Executable(exe="/bin/true", args=[])
    j.backend = Local()
    j.parallel_submit = False
    j.submit()
open(${JSON.stringify(out)}, "w").write(str(time.time() - began))
`,
  );
  const where = [`--config=${join(folder, 'farm/ganga.rc')}`, `-o[Configuration]gangadir=${join(folder, 'plain')}`];
  ran(programPath('ganga'), ['--quiet', '--no-prompt', ...where, script]);
  return Number(readFileSync(out, 'utf8'));
}

export default {
  about: 'jobs handed to Ganga (its Local backend), against a script of Ganga',
  needs: ['ganga'],
  options: { jobs: { fallback: '500', about: 'how many jobs' } },
  async *run({ jobs, lacks }) {
    if (lacks.length > 0) throw new Error('ganga is not installed');
    const count = Number(jobs);
    yield* await withFolder(async (folder) => {
      // Ganga's Local starts a login shell for each job: what this machine's profile costs is neither's.
      process.env.HOME = folder;
      const { submit, release } = await byDflow(folder, count);
      const yardstick = { name: 'one script of Ganga', value: byGanga(folder, count) };
      return [
        { what: `${count} jobs submitted, held`, value: submit, yardstick },
        { what: `${count} jobs released`, value: release },
      ];
    });
  },
};
