// Mail by SMTP: nodemailer, loaded when the first mail goes out. What a server answers becomes an error of ours.
import { hostname } from 'node:os';
import type { Settings, SmtpSettings } from '../../domain/settings.ts';
import type { Mail } from '../../flow/ports.ts';
import { filedLogin, type Login } from '../../stores/shared/server/credentials.ts';
import { ConfigError, CredentialsError, ItemError, messageOf, UnreachableError } from '../../util/errors.ts';
import { codeOf } from '../../util/systemerrors.ts';
import { hide } from '../../util/text/secrets.ts';
import { field } from '../../util/values/field.ts';
import { given } from '../../util/values/given.ts';

/** Sends by the server of the configuration. @throws UnreachableError, CredentialsError, ItemError */
export function mailer({ smtp, file }: Settings): (mail: Mail) => Promise<void> {
  return async (mail) => {
    if (!smtp)
      throw new ConfigError('no mail server is configured', {
        where: file,
        hint: 'add to dflow.yaml: smtp: {host: localhost}',
      });
    const login = loginOf(smtp);
    const { createTransport } = (await import('nodemailer')).default;
    const { host, port, tls, timeout } = smtp;
    const transport = createTransport({
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
      ...given({ auth: login && { user: login.user, pass: login.password } }),
    });
    try {
      const headers = { 'Auto-Submitted': 'auto-generated', Precedence: 'bulk' };
      await transport.sendMail({
        from: smtp.from ?? `dflow@${hostname()}`,
        to: [...mail.to],
        subject: mail.subject,
        text: mail.text,
        headers,
      });
    } catch (error) {
      throw meaningOf(error, smtp);
    } finally {
      transport.close();
    }
  };
}

/** The user of the configuration with the password of the credentials file; without a user nobody logs in. */
function loginOf({ host, port, user }: SmtpSettings): Login | undefined {
  if (user === undefined) return undefined;
  const login = filedLogin(`${host}:${port}`, process.env) ?? filedLogin(host, process.env);
  if (!login) {
    const hint = `add to ~/.config/dflow/credentials.yaml: ${host}: {user: ${user}, password: SECRET}; then: chmod 600 ~/.config/dflow/credentials.yaml`;
    throw new CredentialsError(`the credentials file has no password for mail at ${host}`, { hint });
  }
  hide(login.password);
  return { user, password: login.password };
}

function meaningOf(error: unknown, { host, port, user }: SmtpSettings): Error {
  const where = `${host}:${port}`;
  const code = codeOf(error);
  const words =
    String(field(error, 'response') ?? messageOf(error))
      .split('\n')[0]
      ?.slice(0, 200) ?? '';
  const status = Number(field(error, 'responseCode') ?? 0);
  if (code === 'EAUTH' || status === 530 || status === 535) {
    const hint = `correct the entry of ${host} in the credentials file (~/.config/dflow/credentials.yaml), and smtp.user in dflow.yaml`;
    return new CredentialsError(
      `the mail server refuses ${user === undefined ? 'mail without a login' : `the login of ${user}`}: ${words}`,
      { where, hint },
    );
  }
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
