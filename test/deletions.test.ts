// Every place that can delete is known: docs/storage.md says what proof each takes. A new one is entered here, with its
// reason, or uses one of these.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');

/** Calls and shell words that take a file away. */
const DELETES = [
  /\b(unlink|unlinkSync|rmdir|rmdirSync|rm|rmSync|rimraf)\(/,
  /\b(os\.(remove|unlink|rmdir|removedirs)|shutil\.rmtree|ctx\.(unlink|rmdir)|job\.remove)\b/,
  /method: 'DELETE', key|send\(\{ method: 'DELETE'|(lent_curl|dav) DELETE/,
  /\bgfal-rm\b|\bxrdfs\b.*\b(rm|rmdir)\b|\['(rm|rmdir)'\]|'rm',|--rm-bad-cksum|\s-delete\b/,
];

/** In a script; in TypeScript it is a hint for people. */
const SHELL = /(^|[^\w.-])(rm|rmdir|unlink|shred)\s+(-|"|'|\$|\/)/;

const ALLOWED: Readonly<Record<string, string>> = {
  'src/lib/util/files/remove.ts': "dflow's own files on this machine: follows no link, leaves its folder nowhere",
  'src/lib/protocols/posix/posix.ts': 'Storage.remove of a mounted folder',
  'src/lib/protocols/posix/movenew.ts':
    'a rename that overwrites nothing: the file has its new name before the old one goes',
  'src/lib/protocols/xrootd/server.ts': 'Storage.remove of an XRootD server; what xrdcp itself has written wrong',
  'src/lib/protocols/gfal/gfal.ts': 'Storage.remove by gfal2; what a copy that failed has written',
  'src/lib/protocols/gfal/driver.ts': 'Storage.remove by gfal2',
  'src/lib/protocols/s3/objects.ts': 'Storage.remove and the old name of a rename, in S3',
  'src/lib/protocols/s3/upload/uploads.ts': 'uploads in parts that nobody ends: no objects yet',
  'src/lib/protocols/s3/worker.sh': 'what this start of the job has written and not published',
  'src/lib/protocols/webdav/webdav.ts': 'Storage.remove of a WebDAV server, of files only',
  'src/lib/protocols/webdav/worker.sh': 'what this start of the job has written and not published',
  'src/lib/wrapper/heartbeat.sh': "the job's own heartbeat file",
  'src/lib/protocols/xrootd/worker.sh': 'what this start of the job has written and not published',
  'src/lib/protocols/gfal/worker.sh': 'what this start of the job has written and not published',
  'src/lib/wrapper/program/record.sh': 'the work folder that this start of the job has made',
  'src/lib/wrapper/program/stage-out.sh': 'what this start of the job has written and not published',
  'src/lib/backends/ganga/driver.py': "Ganga's own record of a job that has ended",
  'src/lib/flow/steps/doctor/probe.ts': 'empty folders of killed calls, in the folder of probes of this host',
};

/** Who may delete at a storage element or a buffer, or rename over what is there. */
const AT_ELEMENTS: Readonly<Record<string, string>> = {
  'src/lib/flow/copies/removal/removal.ts': 'the one way: receipt, rename, look again, delete',
  'src/lib/flow/copies/copy.ts': 'temporary files of copies under way: their names are ours, nothing catalogues them',
  'src/lib/flow/copies/apart.ts':
    'the probe that this very call has put there, and, for a repair, those of killed calls',
  'src/lib/flow/steps/doctor/canary.ts': 'outputs of trial jobs of this very call',
  'src/lib/flow/steps/doctor/probe.ts': 'probes of this host, in its own folder of probes',
  'src/lib/flow/steps/get/get.ts': 'parts that this very call fetches into a folder of the user, which is no element',
  'src/lib/flow/copies/removal/trash.ts': 'renames into the trash and back, and overwrites nothing',
};

const files = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.(ts|py|sh|mjs|js|pl)$/.test(entry.name))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)));

function code(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const plain = file.endsWith('.ts')
    ? text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '')
    : text.replace(/^\s*#.*$/gm, '');
  return plain.split('\n');
}

/** Taken from Node by name, to be called or handed on; or the whole module, which hides what is called. */
function takesDeletion(file: string): boolean {
  const imports = code(file)
    .join('\n')
    .matchAll(/import\s+([^;]*?)\s+from '(?:node:)?fs(?:\/promises)?'/g);
  return [...imports].some(([, names = '']) => /^(\*|\w+$)/.test(names) || /\b(unlink|rmdir|rm)(Sync)?\b/.test(names));
}

const where = (files: readonly string[], patterns: readonly RegExp[]): string[] =>
  files.filter((file) => code(file).some((line) => patterns.some((pattern) => pattern.test(line))));

test('nothing deletes files but what is known to', () => {
  expect(files.length).toBeGreaterThan(300);
  const found = files.filter(
    (file) => where([file], file.endsWith('.ts') ? DELETES : [...DELETES, SHELL]).length > 0 || takesDeletion(file),
  );
  expect(found.filter((file) => !(file in ALLOWED))).toEqual([]);
  expect(found).toContain('src/lib/protocols/posix/posix.ts');
});

test('flow deletes and renames at elements and buffers in one way, and nothing by itself on this machine', () => {
  const flow = files.filter((file) => file.startsWith('src/lib/flow/') || file.startsWith('src/commands/'));
  const found = flow.filter((file) => code(file).some(isAtElement));
  expect(found).toContain('src/lib/flow/copies/removal/removal.ts');
  expect(found.filter((file) => !(file in AT_ELEMENTS))).toEqual([]);
  // Folders of the trash that have nothing left in them.
  expect(where(flow, [/util\/files\/remove\.ts/])).toEqual([]);
  expect(where(flow, [/\.removeEmptyFolders\(/])).toEqual([
    'src/lib/flow/steps/doctor/probe.ts',
    'src/lib/flow/steps/purge/emptytrash.ts',
  ]);
});

/** Calls of `Storage`; those of `Removal` are the one way itself. */
function isAtElement(line: string): boolean {
  return /\.rename(New)?\(/.test(line) || (/\.remove\(/.test(line) && !/removal\.remove\(/i.test(line));
}

test('the table in docs/storage.md names every step that deletes', () => {
  const text = readFileSync(join(root, 'docs/storage.md'), 'utf8');
  const table = text.slice(text.indexOf('## What dflow deletes'));
  const announcing = where(
    files.filter((file) => file.startsWith('src/lib/flow/')),
    [/new Removal\(/],
  );
  for (const file of [...announcing, ...Object.keys(AT_ELEMENTS), ...Object.keys(ALLOWED)])
    expect(table, `docs/storage.md: ${file}`).toContain(file.replace('src/lib/', ''));
});
