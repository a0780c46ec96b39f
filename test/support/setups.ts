// A set-up in which everything that doctor looks at without a server is well, and the same with ten broken things. Each is
// an experiment in a folder with the environment that its commands get.
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { LONG_AUTHORITY, LONG_LIST, LONG_PROXY, OLD_LIST, OLD_PROXY } from './certificates.ts';
import { folder, must } from './cli.ts';

export interface SetUp {
  readonly folder: string;
  readonly env: Record<string, string>;
}

const MODULES = `modules:
  Count:
    run: ./count.sh
    outputs: {counts: counts.txt}
runTypes: {any: [Count]}
`;

const CONFIG = `experiment: wells
buffer: {path: raw, pattern: 'run{run}_{subrun}.dat', closed: settled}
storage: {sfu: se/sfu, fnal: se/fnal}
copies: {raw: 2}
farms: {here: {backend: local}}
outputs: [{module: Count, type: counts, to: fnal}]
hosts: {HOST: {loops: [register, transfer, enqueue, submit, monitor]}}
`;

/** Batch systems: none is on the PATH of a set-up, whatever the machine has. */
const BATCH = /^(condor_|sbatch$|squeue$|scontrol$|scancel$|sacct$)/;

/** A PATH with all programs of this machine but those of batch systems. */
function programs(place: string): string {
  const bin = join(place, 'bin');
  mkdirSync(bin);
  for (const of of ['/bin', '/usr/bin'])
    for (const name of readdirSync(of))
      if (!BATCH.test(name) && !readdirSync(bin).includes(name)) symlinkSync(join(of, name), join(bin, name));
  return bin;
}

export function healthySetUp(): SetUp {
  const place = folder();
  for (const name of ['raw', 'se/sfu', 'se/fnal', 'modules', 'authorities'])
    mkdirSync(join(place, name), { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(join(place, name), text);
  write('modules/1.0.yaml', MODULES);
  write('modules/count.sh', '#!/bin/sh\n');
  chmodSync(join(place, 'modules/count.sh'), 0o755);
  write('authorities/0a1b2c3d.0', LONG_AUTHORITY);
  write('authorities/0a1b2c3d.r0', LONG_LIST);
  write('proxy', LONG_PROXY);
  write('dflow.yaml', CONFIG.replace('HOST', hostname()));
  must(place, ['store', 'setup']);
  const env = {
    PATH: programs(place),
    X509_CERT_DIR: join(place, 'authorities'),
    X509_USER_PROXY: join(place, 'proxy'),
    TMPDIR: place,
  };
  return { folder: place, env };
}

/** The same, broken. The element `ral` lies where nobody may write, not even root. */
export function brokenSetUp(): SetUp {
  const made = healthySetUp();
  const write = (name: string, text: string): void => writeFileSync(join(made.folder, name), text);
  write('modules/2.0.yaml', MODULES.replace('count.sh', 'count.sh --fast'));
  chmodSync(join(made.folder, 'modules/count.sh'), 0o644);
  write('authorities/0a1b2c3d.r0', OLD_LIST);
  write('proxy', OLD_PROXY);
  const config = CONFIG.replace('HOST', 'another-host')
    .replace('path: raw', 'path: row')
    .replace('fnal: se/fnal', 'fnal: se/fnal, ral: /sys/kernel')
    .replace('{raw: 2}', '{raw: 5}')
    .replace('type: counts', 'type: conuts')
    .replace('here: {backend: local}', 'here: {backend: local}, birch: {backend: htcondor}');
  write('dflow.yaml', config);
  return made;
}
