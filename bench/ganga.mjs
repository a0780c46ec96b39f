// N trivial jobs through the Ganga backend (its Local backend), held, and released: rate beside Ganga's own, measured in
// the same call by a script that submits the same jobs with nothing around them. Start-up is paid once by either.
// Usage: node bench/ganga.mjs [N] [GANGA]      (N 1000; GANGA: the program)
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const count = Number(process.argv[2] ?? 1000);
const ganga = process.argv[3] ?? join(process.env.DFLOW_TEST_CACHE ?? '/var/cache/dflow-test', 'ganga-venv/bin/ganga');
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(join(tmpdir(), 'dflow-bench-ganga-'));
// Ganga's Local starts a login shell for each job: what this machine's profile costs is neither's.
process.env.HOME = folder;
// Below the project, so that packages are found.
const outfile = join(root, 'node_modules/.cache', `dflow-bench-ganga-${process.pid}.mjs`);
await build({
  entryPoints: [join(root, 'src/lib/backends/ganga/ganga.ts')],
  bundle: true,
  format: 'esm',
  platform: 'node',
  outfile,
  external: ['libsql', 'node:sqlite'],
  loader: { '.sh': 'text', '.py': 'text' },
  nodePaths: [join(root, 'node_modules')],
  banner: {
    js: "import { createRequire as dflowRequire } from 'node:module';\nconst require = dflowRequire(import.meta.url);",
  },
});
const { open } = await import(outfile);

const farm = {
  name: 'here',
  backend: 'ganga',
  slots: count,
  pending: 0,
  output: [],
  reads: [],
  setup: {},
  env: {},
  options: { ganga, idle: '1m', holdLimit: '1h', beat: '1m' },
};
const nonce = () => Math.random().toString(36).slice(2);
const backend = await open(farm, { folder: join(folder, 'farm'), uuid: 'bench', nonce });

const seconds = (from) => Number(process.hrtime.bigint() - from) / 1e9;
async function timed(work) {
  const began = process.hrtime.bigint();
  await work();
  return seconds(began);
}

const spec = (key) => ({
  key,
  ref: key,
  setup: '',
  command: ':',
  inputs: [],
  files: [],
  outputs: [],
  env: {},
  limit: 0,
  destinations: [],
  cpus: 1,
});

// Held jobs wait as processes of this machine, so they are handed over, released and ended in slices.
const SLICE = 50;
let submitted = 0;
let released = 0;
let first;
for (let at = 0; at < count; at += SLICE) {
  const claim = `c${nonce()}`;
  const keys = Array.from({ length: Math.min(SLICE, count - at) }, (_, index) => `${claim}.${index}`);
  const took = await timed(() =>
    backend.submit(
      claim,
      keys.map((key) => ({ key, spec: spec(key) })),
    ),
  );
  first ??= took;
  submitted += took;
  released += await timed(() => backend.release(keys));
  for (;;) {
    const records = await backend.records(10_000);
    if (records.length >= keys.length) {
      await backend.acknowledge(records);
      break;
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
await backend.close();

// Ganga alone: the same number of jobs of /bin/true, in one script.
const script = join(folder, 'plain.py');
const out = join(folder, 'plain.txt');
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
const rc = join(folder, 'farm/ganga.rc');
const words = [
  '--quiet',
  '--no-prompt',
  `--config=${rc}`,
  `-o[Configuration]gangadir=${join(folder, 'plain')}`,
  script,
];
spawnSync(ganga, words, { stdio: 'ignore' });
const plain = Number(readFileSync(out, 'utf8'));

const rate = (time) => `${time.toFixed(1)} s (${(count / time).toFixed(1)}/s)`;
console.log(`N = ${count}, load ${loadavg()[0].toFixed(1)}`);
console.log(
  `dflow: submit, held            ${rate(submitted)}, of it Ganga's start in the first ${SLICE}: ${first.toFixed(1)} s`,
);
console.log(`dflow: release                 ${released.toFixed(2)} s`);
console.log(`Ganga alone, one script        ${rate(plain)}`);
rmSync(outfile);
rmSync(folder, { recursive: true, force: true, maxRetries: 100, retryDelay: 200 });
