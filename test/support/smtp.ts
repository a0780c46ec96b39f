// A mail server of a few lines: takes mail, refuses it, wants a login, or never says a word.

import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';

interface Letter {
  readonly to: readonly string[];
  /** Headers and text as they came, soft line breaks of quoted-printable undone. */
  readonly text: string;
}

export interface MailServer {
  readonly port: number;
  readonly letters: Letter[];
  close(): Promise<void>;
}

export type Mood = 'takes' | 'refuses' | 'hangs' | 'login';

/** `login` is `user` with the password `secret-word`. */
export async function mailServer(mood: Mood): Promise<MailServer> {
  const letters: Letter[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    if (mood !== 'hangs') talk(socket, mood, letters);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    letters,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}

function talk(socket: Socket, mood: Mood, letters: Letter[]): void {
  let [input, to, data, known] = ['', [] as string[], undefined as string | undefined, mood !== 'login'];
  const say = (line: string): unknown => socket.write(`${line}\r\n`);
  say('220 test');
  socket.on('data', (bytes) => {
    input += bytes.toString('utf8');
    for (let end = input.indexOf('\r\n'); end >= 0; end = input.indexOf('\r\n')) {
      const line = input.slice(0, end);
      input = input.slice(end + 2);
      if (data !== undefined) {
        if (line !== '.') data += `${line.replace(/^\.\./, '.')}\n`;
        else {
          letters.push({ to, text: data.replace(/=\n/g, '') });
          [data, to] = [undefined, []];
          say('250 taken');
        }
        continue;
      }
      const word = line.slice(0, 4).toUpperCase();
      if (word === 'EHLO') say(mood === 'login' ? '250-test\r\n250 AUTH PLAIN' : '250 test');
      else if (word === 'AUTH') {
        const said = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString('utf8');
        known = said === '\0user\0secret-word';
        say(known ? '235 welcome' : '535 5.7.8 wrong password');
      } else if (word === 'RCPT') {
        if (mood === 'refuses') say('550 5.1.1 no such person');
        else {
          to.push(line.slice(8).replace(/[<>]/g, ''));
          say('250 ok');
        }
      } else if (word === 'MAIL' && !known) say('530 5.7.0 log in first');
      else if (word === 'DATA') {
        data = '';
        say('354 go on');
      } else if (word === 'QUIT') {
        say('221 bye');
        socket.end();
      } else if (word === 'STAR') say('454 TLS not available');
      else say('250 ok');
    }
  });
}
