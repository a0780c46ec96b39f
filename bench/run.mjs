// npm run bench [-- NAME ...]: measures the product, each time beside what a user would use otherwise.
//   npm run bench                         names of the benchmarks, and what each needs
//   npm run bench -- chain --runs 300     one of them, with a size; `--help` shows its sizes
//   npm run bench -- all --write          all, and their lines of docs/performance.md
//   --json     a JSON line for each thing measured      --install  installs what a benchmark compares with
// Exit 1: something could not be measured; it is said why. A missed target is not an error.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './shared/experiment.mjs';
import { cells, met, ratioOf, written } from './shared/table.mjs';
import { install, missing, remedy } from './shared/tools.mjs';

const PAGE = join(root, 'docs/performance.md');
const OWN = {
  json: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false },
  install: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
};
const say = (text) => process.stderr.write(`${text}\n`);

const NAMES = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.mjs') && file !== 'run.mjs')
  .map((file) => basename(file, '.mjs'))
  .sort();
const load = async (name) => ({ name, ...(await import(`./${name}.mjs`)).default });

async function list() {
  const all = await Promise.all(NAMES.map(load));
  for (const { name, about, needs = [] } of all) {
    const lack = missing(needs);
    process.stdout.write(`${name.padEnd(10)} ${about}${lack.length > 0 ? ` (missing: ${lack.join(', ')})` : ''}\n`);
  }
}

function help({ name, about, options }) {
  process.stdout.write(`npm run bench -- ${name}: ${about}\n`);
  for (const [flag, { fallback, about: what }] of Object.entries(options))
    process.stdout.write(`  ${`--${flag} ${fallback}`.padEnd(24)} ${what}\n`);
}

/** Today, the cores and the load before and after. */
function place(before) {
  const loads = [before, loadavg()[0]].map((load) => load.toFixed(1)).join(' to ');
  return {
    at: new Date().toISOString().slice(0, 10),
    cores: availableParallelism(),
    load: loads,
    cpu: cpus()[0]?.model.trim(),
  };
}

async function measure(bench, values) {
  const needs = bench.needs ?? [];
  if (values.install) for (const name of missing(needs)) install(name);
  for (const name of missing(needs)) say(`${bench.name}: ${name} is not installed. Next: ${remedy(name, bench.name)}`);
  const before = loadavg()[0];
  const given = Object.fromEntries(
    Object.entries(bench.options).map(([name, { fallback }]) => [name, values[name] ?? fallback]),
  );
  for await (const row of bench.run({ ...given, lacks: missing(needs), say })) {
    const where = place(before);
    const all = cells(bench.name, row, `${where.at}, ${where.cores} cores, load ${where.load}`);
    // At once: who stops a long benchmark keeps what was measured.
    if (values.write) writeFileSync(PAGE, written(readFileSync(PAGE, 'utf8'), [all]));
    const json = { benchmark: bench.name, ...row, ratio: ratioOf(row), met: met(row), ...where };
    process.stdout.write(values.json ? `${JSON.stringify(json)}\n` : `${all.filter(Boolean).join(' | ')}\n`);
  }
}

/** The benchmarks that are named, and the values of their flags. @throws TypeError a flag is not known */
async function parsed(args) {
  const names = args.filter((word) => NAMES.includes(word) || word === 'all');
  const benches = await Promise.all((names.includes('all') ? NAMES : names).map(load));
  const sizes = Object.assign({}, ...benches.map(({ options }) => options));
  const options = { ...Object.fromEntries(Object.keys(sizes).map((name) => [name, { type: 'string' }])), ...OWN };
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const unknown = positionals.find((word) => !NAMES.includes(word) && word !== 'all');
  if (unknown) throw new TypeError(`'${unknown}' is not a benchmark; they are: ${NAMES.join(', ')}`);
  return { benches, values };
}

async function main() {
  const { benches, values } = await parsed(process.argv.slice(2));
  if (benches.length === 0) return list();
  for (const bench of benches) {
    if (values.help) help(bench);
    else
      await measure(bench, values).catch((error) => {
        say(`${bench.name}: ${error.stack ?? error}`);
        process.exitCode = 1;
      });
  }
}

// Who reads only the first lines closes the pipe; what is under way is still cleaned up.
process.stdout.on('error', () => {});

await main().catch((error) => {
  say(error instanceof TypeError ? error.message : (error.stack ?? error));
  process.exitCode = 2;
});
