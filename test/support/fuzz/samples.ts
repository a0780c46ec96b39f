// Good input to make broken input of: recorded output of batch systems, and what the project makes itself. Real data are
// added from `DFLOW_FUZZ_DATA`, or the folder beside the project, where they are at hand.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderRecord } from '../../../src/lib/wrapper/record.ts';

/** The project's folder, from here as from a bundle of this file. */
function rootOf(folder: string): string {
  return existsSync(join(folder, 'test/recorded')) ? folder : rootOf(dirname(folder));
}

const project = rootOf(dirname(fileURLToPath(import.meta.url)));
const data = process.env.DFLOW_FUZZ_DATA ?? join(project, '../shared/data');

function below(folder: string, ...endings: string[]): Buffer[] {
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => endings.some((ending) => name.endsWith(ending)));
  return names.sort().map((name) => readFileSync(join(folder, name)));
}

const texts = (...all: string[]): Buffer[] => all.map((text) => Buffer.from(text));

const TABLES = texts(
  '{name: "RUN", run_range: [1, 2], runtype: 4, x: [1.5d0, 2d, 3f 4u, 0x10], "y": {z: [true, null]}, }\n// c\n',
  '{ "name": "G", "index": "pmt:1", run_list: [0001, 2 3], t: 1234567890123456789, v: [0.0:4], s: "one\ntwo" /* c */ }',
  `{type: "C", valid_begin: [1, 0], valid_end: [2, 0], pass: 2, u: "\\u00b5"}{name: "E", x: [${'1.25 '.repeat(50)}]}`,
);

export const ratdb = [...TABLES, ...below(join(data, 'ratdb'), '.ratdb')];

const record = {
  ...{ key: 'abc.0', execution: 'e1', phase: 'done', exit: 0, reason: '', wall: 12, cpu: 3, maxRss: 1000, host: 'w1' },
  outputs: [
    { type: 'ratdb', name: 'x.ratdb', storage: 'disk', path: 'outputs/x.ratdb', size: 3, checksum: 'adler32:00000001' },
  ],
  tail: 'one\ntwo',
};

export const records = [
  ...texts(renderRecord(record), renderRecord({ ...record, phase: 'payload', exit: 3, signal: 9, outputs: [] })),
  ...texts('started 123 4567 boot-id e1\n', 'started 1 2 b e\ncanceled\n', 'refused why\n', 'lost\n'),
];

const OBSERVED = {
  ...{ kind: 'observation', site: 'here', key: 'abc.0', job: 'job:0000000012:Fit:001', subjob: 0 },
  ...{ at: '2026-07-14T06:00:00.000Z', state: 'running', raw: 'RUNNING' },
} as const;

export const observations = texts(
  JSON.stringify(OBSERVED),
  JSON.stringify({ ...OBSERVED, state: 'recorded', record }),
  JSON.stringify({ ...OBSERVED, state: 'ended', raw: 'FAILED 3:0', inferred: true }),
  JSON.stringify({ ...OBSERVED, state: 'recorded', record: { ...record, phase: 'payload', exit: 3 } }),
  JSON.stringify({ ...OBSERVED, state: 'absent', superseded: true }),
);

export const refs = texts(
  '109134\n109134/Fit\n109134/Fit/2.007\njob:0000109134:Fit:001\n{"kind":"job","ref":"12/Fit/1","state":"failed"}\n',
  'Fit 109134 1\n109100-109200\n109100-\n# comment\n12, 13\nrun:0000000012\n{"ref":"12","state":"x"}\n',
);

export const failures = texts(
  '{"exit": 2, "phase": "payload", "text": "no space left", "site": "cedar", "module": "Fit", "version": "1"}',
  '{"signal": 9, "phase": "killed", "text": "oom", "failures": 3}',
);

export const config = texts(
  `experiment: x
store: sqlite:./dflow.db
buffer: {path: ./raw, pattern: 'run{run:6}_{subrun:3}.dat', settle: 60s}
storage: {disk: ./store, tape: {url: 'root://u:p@host//x', protocol: xrootd, tape: true}}
automatic: {version: '1.0'}
farms: {here: {backend: local, slots: 2}, cedar: {backend: slurm, options: {partition: a, folder: /x}}}
runs: {quiet: 10m, types: [Physics, ECA]}
tables: {required: [RUN], command: 'echo'}
policy: [{cause: licence, exit: [2, 3], text: 'a.*b', action: later, wait: 5m, tries: 3}]
outputs: [{module: Fit, type: counts, to: [disk], keep: true}]
copies: {raw: 2, purgeAfter: 2}
limits: {grace: 2m}
`,
  `a: &a [1, 1]\n${[...'bcdefghijklmnopqrstuvwx'].map((c, i) => `${c}: &${c} [*${'abcdefghijklmnopqrstuvwx'[i]}, *${'abcdefghijklmnopqrstuvwx'[i]}]`).join('\n')}\n`,
  'buffers: [{level: L1, path: /a, pattern: "{run}.dat", closed: marker}]\nstorage: &s {a: /b}\nfarms: {x: {backend: htcondor}}\n',
);

export const modules = texts(
  `modules:
  Fit: {run: 'wc -c "$@" > "$OUT_counts"', outputs: {counts: counts.txt}, level: sub_run, cpus: 2, memory: 2 GB, time: 3h}
  Ana: {macro: ana.mac, needs: [Fit], level: run, outputs: {ntuple: ntuple.root}, parameters: {a: 1}, env: {X: y}}
  Tab: {run: x, needs: Ana, level: run_root, outputs: {ratdb: t.ratdb}, policy: [{cause: x, exit: 1, action: fail}], tries: 2}
runTypes: {any: [Fit], Physics: [Ana, Tab]}
`,
);

export const macro = texts(
  '/rat/db/set RUN x {run}\n/rat/inroot/read {inputs}\n/rat/outroot {outputs.ntuple} {a} {input} {version}\n',
);

export const slurm = [
  ...below(join(project, 'test/recorded/slurm'), '.txt'),
  ...texts('12|0-4,7,9-20:2%4|RUNNING|dflow-abc|None|short\n12|[0-3]|PENDING|dflow-abc+1000|Priority|a,b\n'),
];
export const htcondor = [
  ...below(join(project, 'test/recorded/htcondor'), '.json', '.txt'),
  ...texts('[{"DflowKey":"abc.0","ClusterId":1,"ProcId":0,"JobStatus":5,"HoldReasonCode":3,"HoldReason":"x"}]'),
];
export const ganga = texts(
  '{"jobs":{"abc.0":{"status":"running","id":"1.0","exit":null},"abc.1":{"status":"failed","id":"2","exit":3}}}',
  '{"version":"8.7","old":false,"jobs":3,"leftover":["abc"]}',
  '{"ids":{"abc.0":"1"},"failed":{"name":"abc.1","why":"no","said":"x"}}',
  '{"error":"broken","text":"x"}\n',
  '{"refused":"unknown-option","text":"queu","names":["queue"]}',
  '{"failed":[],"removed":3}',
);

/** A raw file in miniature, where the real one is not at hand. */
function smallZdab(): Buffer {
  const bytes = Buffer.alloc(15_360);
  const words = (at: number, values: readonly number[]): void => {
    for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, at + i * 4);
  };
  words(0, [0x0123cdef, 0x80708070, 0x4321abcd, 0x80618061, 0xf00, 0, 8, 0]);
  const bank = (at: number, name: string, values: readonly number[]): void => {
    bytes.write(name, at, 'latin1');
    bytes.writeUInt32BE(values.length, at + 12);
    words(at + 20, values);
  };
  bank(64, 'RHDR', [20260714, 0, 1, 3510, 0, 0, 4, 0, 0, 0]);
  bank(160, 'ZDAB', [0, 3510, 7, 2, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6]);
  return bytes;
}

export const zdab = [smallZdab(), ...below(data, '.zdab')];

/** Words of storage tools. */
export const tools = texts(
  'Path:   /x/y\nId:     1\nSize:   123\nMTime:  2026-07-14 06:00:00\nFlags:  16 (IsReadable)\n',
  'adler32 0a0b0c0d\n',
  '-r-- 2026-07-14 06:00:00 123 /x/y\ndr-x 2026-07-14 06:00:00 0 /x/z\n',
  '[ERROR] Server responded with an error: [3011] No such file or directory\n',
);
