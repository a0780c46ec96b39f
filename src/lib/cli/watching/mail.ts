// Mail by SMTP: nodemailer, loaded when the first mail goes out. What a server answers becomes an error of ours.
import { hostname } from 'node:os';
import type { Settings, SmtpSettings } from '../../domain/settings.ts';
import type { Mail } from '../../flow/ports.ts';
import { filedLogin, type Login } from '../../stores/shared/server/credentials.ts';
import { ConfigError, CredentialsError, ItemError, messageOf, UnreachableError } from '../../util/errors.ts';
import { readRegular } from '../../util/files/readfile.ts';
import { shell } from '../../util/processes/exec.ts';
import { codeOf } from '../../util/systemerrors.ts';
import { hide } from '../../util/text/secrets.ts';
import { humanDuration, MINUTE, SECOND } from '../../util/time.ts';
import { field } from '../../util/values/field.ts';
import { given } from '../../util/values/given.ts';

/** A whole letter may take as long as this many answers: a server may send a byte now and then for ever. */
const ANSWERS = 6;
/** Longest time of a letter: another notifier takes over after five minutes. */
const LONGEST = 4 * MINUTE;

/** Sends by the server of the configuration. @throws UnreachableError, CredentialsError, ItemError, ConfigError */
export function mailer({ smtp, file, folder }: Settings): (mail: Mail) => Promise<readonly string[]> {
  return async (mail) => {
    if (!smtp)
      throw new ConfigError('no mail server is configured', {
        where: file,
        hint: 'add to dflow.yaml: smtp: {host: localhost}',
      });
    const transport = await connection(smtp, await loginOf(smtp, folder), certificatesOf(smtp, file));
    const signal = AbortSignal.timeout(Math.min(ANSWERS * smtp.timeout, LONGEST));
    try {
      const headers = { 'Auto-Submitted': 'auto-generated', Precedence: 'bulk' };
      const { rejectedErrors = [] } = await transport.sendMail({
        from: smtp.from ?? `dflow@${hostname()}`,
        to: [...mail.to],
        subject: mail.subject,
        text: mail.text,
        headers,
        signal,
      });
      return rejectedErrors.map((error) => `${String(field(error, 'recipient'))} (${wordsOf(error)})`);
    } catch (error) {
      throw signal.aborted ? tooSlow(smtp) : meaningOf(error, smtp);
    } finally {
      transport.close();
    }
  };
}

/** A connection to the server, as nodemailer opens it for the first letter. */
async function connection({ host, port, tls, timeout }: SmtpSettings, login: Login | undefined, ca?: string) {
  const { createTransport } = (await import('nodemailer')).default;
  return createTransport({
    host,
    port,
    secure: tls === 'tls',
    ignoreTLS: tls === 'none',
    // A password never goes over an open line unless the configuration says so.
    requireTLS: tls === 'starttls' || (tls === undefined && login !== undefined),
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    socketTimeout: timeout,
    dnsTimeout: timeout,
    ...given({
      auth: login && { user: login.user, pass: login.password },
      tls: ca === undefined ? undefined : { ca },
    }),
  });
}

/** The login: the configuration names the user; smtp.passwordCommand or the credentials file has the password. */
async function loginOf(smtp: SmtpSettings, folder: string): Promise<Login | undefined> {
  const { host, port, user, passwordCommand } = smtp;
  if (user === undefined) return undefined;
  if (passwordCommand !== undefined) return { user, password: await passwordOf(passwordCommand, folder) };
  const login = filedLogin(`${host}:${port}`, process.env) ?? filedLogin(host, process.env);
  if (!login) {
    const hint = `add to ~/.config/dflow/credentials.yaml: ${host}: {user: ${user}, password: SECRET}; then: chmod 600 ~/.config/dflow/credentials.yaml`;
    throw new CredentialsError(`the credentials file has no password for mail at ${host}`, { hint });
  }
  hide(login.password);
  return { user, password: login.password };
}

/** Longest time of smtp.passwordCommand: a command that asks a person gets no answer. */
const ASKS = 30 * SECOND;

async function passwordOf(command: string, cwd: string): Promise<string> {
  const { stdout, failure } = await shell(command, [], { cwd, timeout: ASKS });
  const password = stdout.split(/\r?\n/, 1)[0] ?? '';
  const wrong = failure ?? (password === '' ? 'it printed nothing' : undefined);
  // The standard error of the command is not shown: it may hold the password.
  if (wrong !== undefined)
    throw new CredentialsError(`smtp.passwordCommand failed (${wrong})`, {
      hint: 'run the command of smtp.passwordCommand in dflow.yaml by hand, in the folder of dflow.yaml',
    });
  hide(password);
  return password;
}

function certificatesOf({ ca }: SmtpSettings, where: string): string | undefined {
  if (ca === undefined) return undefined;
  try {
    return readRegular(ca, CERTIFICATES).toString('utf8');
  } catch (cause) {
    const hint = 'correct smtp.ca in dflow.yaml';
    throw new ConfigError(`the certificates of the mail server cannot be read: ${messageOf(cause)}`, {
      where,
      hint,
      cause,
    });
  }
}

/** Most bytes of smtp.ca. The file of all authorities that a system trusts is a quarter as large. */
const CERTIFICATES = 1_000_000;

/** The first line of the server's answer, or else of the error. */
function wordsOf(error: unknown): string {
  return (
    String(field(error, 'response') ?? messageOf(error))
      .split('\n')[0]
      ?.slice(0, 200) ?? ''
  );
}

function tooSlow({ host, port, timeout }: SmtpSettings): Error {
  const where = `${host}:${port}`;
  const time = humanDuration(Math.min(ANSWERS * timeout, LONGEST));
  const hint = `nc -v ${host} ${port}; the message is kept and tried again in the next round`;
  return new UnreachableError(`the mail server ${where} took longer than ${time} for a letter`, { where, hint });
}

/** Codes of OpenSSL for a certificate that is not trusted. */
const CERTIFICATE =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|ERR_TLS_CERT_ALTNAME_INVALID)$/;

/** True where an error is about the certificate; nodemailer keeps the original error as its cause. */
function isCertificate(error: unknown): boolean {
  return (
    [error, field(error, 'cause')].some((one) => CERTIFICATE.test(codeOf(one) ?? '')) ||
    /certificate|altnames/i.test(messageOf(error))
  );
}

function meaningOf(error: unknown, smtp: SmtpSettings): Error {
  const { host, port, user } = smtp;
  const where = `${host}:${port}`;
  const code = codeOf(error);
  const words = wordsOf(error);
  const status = Number(field(error, 'responseCode') ?? 0);
  if (code === 'EAUTH' || status === 530 || status === 535) {
    const hint = `correct the entry of ${host} in the credentials file (~/.config/dflow/credentials.yaml), and smtp.user in dflow.yaml`;
    return new CredentialsError(
      `the mail server refuses ${user === undefined ? 'mail without a login' : `the login of ${user}`}: ${words}`,
      { where, hint },
    );
  }
  if (isCertificate(error)) return untrusted(words, smtp);
  if (code === 'ETLS' && status >= 400)
    return new UnreachableError(
      `the mail server ${where} offers no TLS, and dflow sends a password over TLS only: ${words}`,
      {
        where,
        hint: 'in dflow.yaml: smtp.tls: none sends it unencrypted (a server on this host); smtp.tls: tls with port: 465 is TLS from the first byte',
      },
    );
  if (status >= 500 || code === 'EENVELOPE')
    return new ItemError(`the mail server refuses the message: ${words}`, {
      where,
      hint: 'correct `mail` of the rule and `smtp.from` in dflow.yaml',
    });
  const hint = `nc -v ${host} ${port}; the message is kept and tried again in the next round`;
  return new UnreachableError(`the mail server ${where} cannot be used: ${words}`, { where, hint });
}

function untrusted(words: string, { host, port, tls }: SmtpSettings): Error {
  const where = `${host}:${port}`;
  const show = `openssl s_client -connect ${where}${tls === 'tls' ? '' : ' -starttls smtp'}`;
  const hint = /altnames/i.test(words)
    ? `in dflow.yaml: smtp.host: the name that the certificate is for (${show} shows it)`
    : `if it is the right server (${show}), put its certificate or that of its authority into a file, and in dflow.yaml: smtp.ca: FILE; a server on this host: smtp.tls: none`;
  return new UnreachableError(`the certificate of the mail server ${where} is not trusted: ${words}`, { where, hint });
}
