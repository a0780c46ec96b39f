// Disks of this host that dflow and its jobs write to: bytes, inodes and quota. Only a write shows a quota.
import { isAbsolute, join, resolve } from 'node:path';
import { humanBytes } from '../../../../../util/text/bytes.ts';
import { remount, silence } from '../../../../../util/text/silence.ts';
import { type Check, type Finding, failed, type Look, notChecked, ok, type Patient, warning } from '../../check.ts';
import { outside, SILENT } from '../../outside.ts';

export const check: Check = {
  name: 'disks',
  group: 'host',
  about: [
    {
      ref: 'disks/PATH',
      looks:
        'Free bytes and inodes of each folder that dflow and its jobs write to. 64 kB are written and removed, which shows a quota.',
      means: 'The disk is full (2 %) or nearly full (10 %), a quota is used up, or this user may not write.',
      mends:
        '`du -sh` shows what is large; `quota -s` a quota; `chown or chmod` as the owner of the folder; `df` asks a disk.',
    },
    {
      ref: "disks/store's server",
      looks: 'Nothing: no protocol of CouchDB or PostgreSQL tells how full its disk is.',
      means: 'This is always unknown.',
      mends: 'Look there: `df -h` on the server of the store.',
    },
  ],
  looks: (patient) => [
    ...[...placesOf(patient)].map(
      ([path, uses]): Look => ({
        subject: path,
        touches: `writes 64 kB into ${path} and removes them`,
        look: () => disk(patient, path, uses.join(', ')),
      }),
    ),
    ...(isHere(patient) ? [] : [{ subject: "store's server", look: () => ofServer(patient) }]),
  ],
};

const isHere = ({ settings: { store } }: Pick<Patient, 'settings'>): boolean => store.startsWith('sqlite:');

/** No protocol of a store's server tells how full its disk is. */
async function ofServer({ store }: Patient): Promise<Finding> {
  const { where, engine } = await store.info();
  return notChecked(`${engine} tells nobody how full its disk is`, `on the server of ${where}: df -h`);
}

/** Folders, and what each is for. */
function placesOf({ settings, environment }: Patient): Map<string, string[]> {
  const { folder, farms, store } = settings;
  const places = new Map<string, string[]>();
  const add = (use: string, path: unknown): void => {
    if (typeof path !== 'string' || !isAbsolute(path)) return;
    places.set(path, [...(places.get(path) ?? []), use]);
  };
  add('logs and state', folder);
  if (isHere({ settings })) add('store', join(resolve(folder, store.slice('sqlite:'.length)), '..'));
  add('temporary files', environment.TMPDIR || '/tmp');
  for (const { name, options } of farms) {
    add(`jobs of ${name}`, options.folder);
    add(`scratch of ${name}`, options.scratch);
  }
  return places;
}

const SCRIPT = `[ -d "$1" ] || exit 3
df -Pk -- "$1" && df -Pi -- "$1" || exit 4
[ -w "$1" ] || exit 5
probe=$(mktemp -- "$1/.dflow-doctor.XXXXXX") || exit 6
head -c 65536 /dev/zero >"$probe"
code=$?
unlink "$probe"
[ $code = 0 ] || exit 6`;

/** Shares of a disk, in percent, that are little and too little. */
const [LITTLE, NONE] = [10, 2];

async function disk(patient: Patient, path: string, uses: string): Promise<Finding> {
  const { exit, stdout, words } = await outside(patient, SCRIPT, [path]);
  if (exit === 3) return notChecked(`${uses}: not a folder of this host`);
  if (exit === SILENT) return failed(`${uses}: ${silence(path)}`, remount(path));
  if (exit === 4) return failed(`${uses}: the disk does not answer: ${words}`, `df ${path}`);
  if (exit === 5) return failed(`${uses}: this user may not write there`, `chown or chmod ${path}, as its owner`);
  if (exit !== 0)
    return failed(`${uses}: no more bytes can be written: ${words}`, `quota -s; du -sh ${path}/* ${path}/.dflow`);
  const [bytes, inodes] = rows(stdout);
  const free = bytes ? share(bytes) : 100;
  const left = inodes && inodes.total > 0 ? share(inodes) : 100;
  const text = `${bytes ? `${humanBytes(bytes.free * 1024)} free (${free} %)` : 'free space unknown'}, for ${uses}`;
  const fix = `du -sh ${path}/* ${path}/.dflow; then remove what nobody needs`;
  if (left < LITTLE) return (left < NONE ? failed : warning)(`${text}; ${left} % of its inodes are free`, fix);
  if (free < LITTLE) return (free < NONE ? failed : warning)(text, fix);
  return ok(text);
}

interface Disk {
  readonly total: number;
  readonly free: number;
}

/** The two rows below the headings of `df -P`. */
function rows(text: string): Disk[] {
  const found = text.matchAll(/^.* (\d+|-) +(\d+|-) +(\d+|-) +(?:\d+%|-) \/.*$/gm);
  return [...found].map(([, total, , free]) => ({ total: Number(total) || 0, free: Number(free) || 0 }));
}

const share = ({ total, free }: Disk): number => Math.floor((100 * free) / Math.max(1, total));
