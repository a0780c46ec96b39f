// Credentials as a list: what the configuration names, and the certificates that grid tools of this host take.
import { isAbsolute } from 'node:path';
import { secondsLeft, tokenLeft } from '../../../../../domain/token.ts';
import { certificatesIn, vomsRoles } from '../../../../../util/certificates.ts';
import { humanLeft, ms, SECOND } from '../../../../../util/time.ts';
import { type Check, type Finding, failed, type Look, notChecked, ok, type Patient, warning } from '../../check.ts';
import { kindOf } from '../../outside.ts';

export const check: Check = {
  name: 'credentials',
  group: 'credentials',
  about: [
    {
      ref: 'credentials/command',
      looks: 'The seconds that `credentials.check` prints.',
      means: 'Credentials have expired, end soon (`credentials.warn`), or the command does not print a number.',
      mends: 'The command of `credentials.renew`, else `voms-proxy-init` or `htgettoken`: make new credentials.',
    },
    {
      ref: 'credentials/token',
      looks: 'The token file: whether it can be read, and its `exp`.',
      means: 'The token is missing, empty, expired or near its end.',
      mends: '`export BEARER_TOKEN_FILE=PATH`; the command of `credentials.renew`, else make new credentials.',
    },
    {
      ref: 'credentials/proxy',
      looks: 'The X.509 proxy of `X509_USER_PROXY`, else the usual place: its end and its VOMS role.',
      means: 'The proxy is missing, cannot be read, has expired, or ends soon. Storage elements refuse it.',
      mends: 'The command of `credentials.renew`, else make new credentials: `voms-proxy-init`.',
    },
    {
      ref: 'credentials/host certificate',
      looks: 'The certificate of this host in `/etc/grid-security`, where there is one.',
      means: 'The host certificate has expired, ends soon, or cannot be read.',
      mends: 'Ask your certificate authority for a new one.',
    },
  ],
  looks: (patient) => {
    const { credentials } = patient.settings;
    const { X509_USER_PROXY: proxy } = patient.environment;
    return [
      ...(credentials?.check === undefined ? [] : [look('command', () => command(patient, credentials.check ?? ''))]),
      ...(credentials?.token === undefined ? [] : [look('token', () => token(patient, credentials.token ?? ''))]),
      look('proxy', () => (proxy === undefined ? usualProxy(patient) : certificate(patient, proxy, 'proxy'))),
      look('host certificate', () => certificate(patient, HOST_CERTIFICATE, 'host')),
    ];
  },
};

const HOST_CERTIFICATE = '/etc/grid-security/hostcert.pem';

const look = (subject: string, ask: () => Promise<Finding | readonly Finding[]>): Look => ({ subject, look: ask });

/** What mends a credential: the configuration's own command, where there is one. */
function renewal({ settings }: Patient): string {
  return settings.credentials?.renew ?? 'make new credentials: voms-proxy-init, or htgettoken';
}

function judged(patient: Patient, left: number, about: string, fix = renewal(patient)): Finding {
  const warn = patient.settings.credentials?.warn ?? 0;
  if (left <= 0) return failed(`${about}: expired ${humanLeft(left)} ago`, fix);
  const text = `${about}: valid for ${humanLeft(left)}`;
  return left < warn ? warning(text, fix) : ok(text);
}

async function command(patient: Patient, text: string): Promise<Finding> {
  const { processes, settings } = patient;
  const { stdout, failure } = await processes.shell(text, [], { cwd: settings.folder, timeout: 15 * SECOND });
  const seconds = secondsLeft(stdout);
  if (seconds === undefined || (failure !== undefined && seconds > 0))
    return failed(
      `credentials.check does not print the seconds that are left (${failure ?? 'no number'})`,
      renewal(patient),
    );
  return judged(patient, seconds * SECOND, 'credentials.check');
}

async function token(patient: Patient, path: string): Promise<Finding> {
  if (!isAbsolute(path))
    return failed('the variable that names the token file is not set', 'export BEARER_TOKEN_FILE=PATH');
  if ((await kindOf(patient, path)) !== 'file') return failed(`${path} cannot be read`, renewal(patient));
  const text = (await patient.files.read(path, 1_000_000)).toString('utf8');
  if (text.trim() === '') return failed(`${path} is empty`, renewal(patient));
  const seconds = tokenLeft(text, patient.clock());
  return seconds === undefined ? ok(`${path}: valid, expiry unknown`) : judged(patient, seconds * SECOND, path);
}

/** What grid tools take where X509_USER_PROXY is not set; nothing to say where nobody asks for one. */
async function usualProxy(patient: Patient): Promise<Finding | readonly Finding[]> {
  const { usualProxy: path, x509, settings } = patient;
  if ((await kindOf(patient, path)) !== 'missing') return certificate(patient, path, 'proxy');
  if (x509.length === 0 || settings.credentials?.token !== undefined) return [];
  return warning(`no proxy at ${path}; ${x509.join(', ')} may ask for one`, renewal(patient));
}

async function certificate(patient: Patient, path: string, what: 'proxy' | 'host'): Promise<Finding> {
  const kind = await kindOf(patient, path);
  if (kind === 'missing' && what === 'host') return ok(`none at ${path}`);
  if (kind !== 'file') return failed(`${path} cannot be read`, renewal(patient));
  const found = certificatesIn((await patient.files.read(path, 1_000_000)).toString('latin1'));
  const [first] = found;
  if (!first) return notChecked(`${path} has no certificate`);
  const left = Math.min(...found.map(({ until }) => ms(until))) - patient.clock();
  const roles = found.flatMap(({ raw }) => vomsRoles(raw));
  const about = [path, ...(roles[0] === undefined ? [] : [roles[0]])].join(', ');
  const fix = what === 'proxy' ? renewal(patient) : 'ask your certificate authority for a new host certificate';
  return judged(patient, left, about, fix);
}
