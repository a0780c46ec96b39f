// What the commands of screens are made of: this host, its program and its plan. No store is opened.
import { realpathSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Settings } from '../../domain/settings.ts';
import type { ScreensWorld } from '../../flow/steps/screens/screens.ts';
import { machine } from '../machine.ts';
import { hostOf } from '../ports.ts';

/** Variables that a login shell has and cron, systemd or an old tmux server may not; none of them is a secret. */
const PLAIN =
  /^(PATH|LD_LIBRARY_PATH|PYTHONPATH|NODE_EXTRA_CA_CERTS|SLURM_CONF|CONDOR_CONFIG|KRB5CCNAME|BEARER_TOKEN_FILE|X509_\w+|GANGA\w*|DFLOW_(HOST|FARM|VERSION))$/;

/** These go into a file that only this user reads. */
const PRIVATE =
  /^(DFLOW_(?!DEATHS|LOOP|CONFIG)\w+|BEARER_TOKEN|_CONDOR_\w+|XRD_\w+|HOME|LANG|LC_ALL|TMPDIR|TZ|XDG_RUNTIME_DIR)$/;

export function screensWorld(
  settings: Settings,
  root: string,
  { here = false, 'dry-run': dryRun = false }: { readonly here?: boolean; readonly 'dry-run'?: boolean } = {},
): ScreensWorld {
  const { files, locks, processes } = machine;
  return {
    settings,
    host: hostOf(),
    program: { node: process.execPath, script: realpathSync(`${root}/bin/run.js`) },
    files,
    locks,
    processes,
    sleep: (milliseconds) => wait(milliseconds),
    env: { ...plainVariables(), ...matching(PRIVATE) },
    here,
    dryRun,
  };
}

/** What may be printed: in a crontab, in units. */
export function plainVariables(): Record<string, string> {
  return matching(PLAIN);
}

function matching(names: RegExp): Record<string, string> {
  const entries = Object.entries(process.env).flatMap(([name, value]): [string, string][] =>
    names.test(name) && value !== undefined && !/[\n\r]/.test(value) ? [[name, value]] : [],
  );
  return Object.fromEntries(entries);
}

/** What a person must do where the store is named by the environment alone: it may hold a password. */
export function storeRemark(): string | undefined {
  if (process.env.DFLOW_STORE === undefined) return undefined;
  return 'DFLOW_STORE is set here and is not printed: name the store in the configuration';
}
