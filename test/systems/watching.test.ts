// notify against a real mail server (aiosmtpd), and metrics by Prometheus' own parser: the built program, real failures
// of the local batch system, mail as it arrives.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { dflow, folder, must, removeFolders } from '../support/cli.ts';

const VENV = join(process.env.DFLOW_TEST_CACHE ?? '/var/cache/dflow-test', 'watching-venv');
const PYTHON = join(VENV, 'bin/python');
const RUNS = 4;

interface Letter {
  readonly to: string[];
  readonly from: string;
  readonly subject: string;
  readonly auto: string;
  readonly text: string;
  readonly login: boolean;
  readonly tls: boolean;
}

class Server {
  readonly letters: Letter[] = [];
  constructor(
    readonly port: number,
    private readonly process: ChildProcess,
    lines: Interface,
  ) {
    lines.on('line', (line) => this.letters.push(JSON.parse(line) as Letter));
  }

  /** The letters, once there are so many. */
  async wait(count: number): Promise<Letter[]> {
    while (this.letters.length < count) await new Promise((resolve) => setTimeout(resolve, 20));
    return this.letters;
  }

  async close(): Promise<void> {
    const ended = once(this.process, 'exit');
    this.process.stdin?.end();
    await ended;
  }
}

const servers: Server[] = [];

async function mailServer(...mood: string[]): Promise<Server> {
  const child = spawn(PYTHON, [join(import.meta.dirname, 'mailserver.py'), ...mood], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout! });
  const [port] = (await once(lines, 'line')) as [string];
  const server = new Server(Number(port), child, lines);
  servers.push(server);
  return server;
}

let place = '';

function configure(port: number, more = '', host = '127.0.0.1', timeout = '2s'): void {
  const text = `experiment: snoplus
buffer: {path: raw, pattern: 'run{run}_{subrun}.dat', settle: 1s}
storage: {disk: se}
runs: {quiet: 1s}
farms: {here: {backend: local, slots: 2}}
automatic: {version: '1.0'}
smtp: {host: ${host}, port: ${port}, from: dflow@example.org, timeout: ${timeout}${more}}
notify:
  shifters: {on: [failed, silent, buffer], mail: [one@example.org, two@example.org], every: 0}
`;
  writeFileSync(join(place, 'dflow.yaml'), text);
}

beforeAll(async () => {
  place = folder();
  for (const name of ['raw', 'se', 'modules']) mkdirSync(join(place, name));
  for (let run = 1; run <= RUNS; run++) writeFileSync(join(place, 'raw', `run${run}_0.dat`), `run ${run}\n`);
  const print = String.raw`printf '\033[31mred\033[0m\nexport PASSWORD=hunter22\n'; seq 100 | sed 's/^/event /'; echo the detector exploded >&2; exit 3`;
  writeFileSync(
    join(place, 'modules', '1.0.yaml'),
    `modules:\n  Count:\n    run: ${JSON.stringify(print)}\n    outputs: {n: n.txt}\nrunTypes: {any: [Count]}\n`,
  );
  configure(25);
  must(place, ['store', 'setup']);
  must(place, ['chain', '--until-idle'], [0, 1]);
});
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});
afterAll(removeFolders);

test('nothing is lost while the server is away, refuses, or wants a login; then one letter tells all failures of one cause', async () => {
  configure(1);
  expect(dflow(place, ['notify'])).toMatchObject({ code: 5, err: expect.stringContaining('cannot be used') });
  configure((await mailServer('refuse')).port);
  expect(dflow(place, ['notify'])).toMatchObject({ code: 1, out: expect.stringContaining('no such person') });
  const login = await mailServer('login');
  configure(login.port);
  expect(dflow(place, ['notify'])).toMatchObject({ code: 4, err: expect.stringContaining('without a login') });
  configure(login.port, ', user: shifter, tls: none');
  writeFileSync(join(place, 'credentials.yaml'), '127.0.0.1: {user: shifter, password: wrong-word}\n', { mode: 0o600 });
  const env = { DFLOW_CREDENTIALS: join(place, 'credentials.yaml') };
  const refused = dflow(place, ['notify'], { env });
  expect(refused).toMatchObject({ code: 4, err: expect.stringContaining('refuses the login of shifter') });
  expect(refused.err + refused.out).not.toContain('wrong-word');
  writeFileSync(env.DFLOW_CREDENTIALS, '127.0.0.1: {user: shifter, password: a-secret-word}\n', { mode: 0o600 });
  expect(dflow(place, ['notify'], { env }).code).toBe(0);
  const [letter] = await login.wait(1);
  expect(letter).toMatchObject({
    to: ['one@example.org', 'two@example.org'],
    from: 'dflow@example.org',
    subject: `[snoplus] exit-3 in Count: ${RUNS} subjobs failed, at here`,
    auto: 'auto-generated',
    login: true,
  });
  const { text } = letter!;
  for (const words of [
    'Last lines of',
    '| the detector exploded',
    '| event 100',
    'Next: dflow why',
    'Next: dflow retry --cause exit-3 --module Count',
  ])
    expect(text).toContain(words);
  expect(text).not.toMatch(/hunter22|event 5$/m);
  expect(text).not.toContain(String.fromCharCode(27));
  expect(dflow(place, ['notify'], { env }).code).toBe(0);
  expect(login.letters).toHaveLength(1);
  console.log(`Subject: ${letter?.subject}\n\n${text}`);
});

test('its end is told once', async () => {
  const server = await mailServer();
  configure(server.port);
  must(place, ['cancel', '--state', 'failed', '--all', '--why', 'a test']);
  must(place, ['notify']);
  expect(await server.wait(1)).toMatchObject([
    { subject: expect.stringContaining('ended'), text: expect.stringContaining('ENDED after') },
  ]);
  must(place, ['notify']);
  expect(server.letters).toHaveLength(1);
});

/** A certificate for `localhost` that only its own file vouches for. */
function certificate(): { readonly cert: string; readonly files: string } {
  const [cert, key] = [join(place, 'mail.pem'), join(place, 'mail.key')];
  const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost'];
  const name = ['-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', cert];
  execFileSync('openssl', [...request, ...name], { stdio: 'ignore' });
  return { cert, files: `${cert},${key}` };
}

test.each([
  ['tls', 'tls'],
  ['starttls', 'starttls'],
])('%s: a certificate that nobody vouches for is refused; with smtp.ca the login goes over TLS', async (mood, tls) => {
  const { cert, files } = certificate();
  const server = await mailServer(`${mood}=${files}`, 'login');
  const login = `, user: shifter, passwordCommand: 'echo a-secret-word', tls: ${tls}`;
  configure(server.port, login, 'localhost');
  const refused = dflow(place, ['notify', '--test', 'shifters']);
  expect(refused).toMatchObject({ code: 5, err: expect.stringContaining('is not trusted: self-signed certificate') });
  expect(refused.err).toContain('smtp.ca: FILE');
  // Its name is not the one that the certificate is for.
  configure(server.port, `${login}, ca: mail.pem`);
  expect(dflow(place, ['notify', '--test', 'shifters'])).toMatchObject({
    code: 5,
    err: expect.stringContaining('the name that the certificate is for'),
  });
  configure(server.port, `${login}, ca: ${cert}`, 'localhost');
  const well = dflow(place, ['notify', '--test', 'shifters']);
  expect(well.code, well.err).toBe(0);
  expect(await server.wait(1)).toMatchObject([{ login: true, tls: true }]);
  configure(
    server.port,
    `, user: shifter, passwordCommand: 'echo a-wrong-word', tls: ${tls}, ca: mail.pem`,
    'localhost',
  );
  const wrong = dflow(place, ['notify', '--test', 'shifters', '--json']);
  expect(wrong).toMatchObject({ code: 4, err: expect.stringContaining('refuses the login of shifter') });
  configure(
    server.port,
    `, user: shifter, passwordCommand: 'echo a-secret-word >&2; false', ca: mail.pem`,
    'localhost',
  );
  const failed = dflow(place, ['notify', '--test', 'shifters']);
  expect(failed).toMatchObject({ code: 4, err: expect.stringContaining('smtp.passwordCommand failed (exit 1)') });
  for (const { out, err } of [refused, well, wrong, failed]) expect(out + err).not.toMatch(/a-(secret|wrong)-word/);
});

test('a server that is slow without end or closes in the middle: the alarm is kept, status says it, and it comes later', async () => {
  must(place, ['retry', '--state', 'canceled', '--all', '--why', 'a test']);
  must(place, ['chain', '--until-idle'], [0, 1]);
  configure((await mailServer('cut')).port);
  expect(dflow(place, ['notify'])).toMatchObject({ code: 5 });
  configure((await mailServer('slow')).port, ', tls: none', '127.0.0.1', '300ms');
  expect(dflow(place, ['notify'])).toMatchObject({ code: 5, err: expect.stringContaining('took longer than') });
  expect(must(place, ['status'])).toMatch(/notify on .*took longer than/);
  const server = await mailServer('refuse=one@example.org');
  configure(server.port);
  const partly = dflow(place, ['notify']);
  expect(partly).toMatchObject({
    code: 1,
    out: expect.stringContaining('refuses one@example.org (550 5.1.1 no such person)'),
  });
  expect(await server.wait(1)).toMatchObject([{ to: ['two@example.org'] }]);
  expect(dflow(place, ['notify']).code).toBe(0);
  expect(server.letters).toHaveLength(1);
});

test("Prometheus' own parser reads the metrics, as OpenMetrics and as the text that node_exporter reads", () => {
  must(place, ['metrics', '--out', 'dflow.prom']);
  const code = `
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
text = open(sys.argv[1]).read()
for parse in openmetrics, plain:
    families = {family.name: family for family in parse(text)}
    print(families['dflow_passes'].type, sum(one.value for one in families['dflow_passes'].samples), len(families))
`;
  const out = execFileSync(PYTHON, ['-c', code, join(place, 'dflow.prom')], { encoding: 'utf8' });
  const [first, second] = out.trimEnd().split('\n');
  expect(first).toMatch(new RegExp(`^gauge ${RUNS}(\\.0)? \\d+$`));
  expect(second).toBe(first);
});
