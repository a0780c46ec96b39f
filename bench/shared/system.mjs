// The batch system that a benchmark needs: the test system, started where it is not up, as test/systems/*-up.sh says it.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const systems = join(dirname(fileURLToPath(import.meta.url)), '../../test/systems');

/** Starts a test system and takes over what its script prints last (`SLURM_CONF=...`, `PATH=...:$PATH`). */
export function bringUp(name) {
  const ran = spawnSync('bash', [join(systems, `${name}-up.sh`)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  const said = /^([A-Z_]+)=(.*)$/.exec(ran.stdout.trim().split('\n').at(-1) ?? '');
  if (ran.status !== 0 || !said) throw new Error(`${name}-up.sh ended with ${ran.status}`);
  process.env[said[1]] = said[2].replace('$PATH', process.env.PATH);
}
