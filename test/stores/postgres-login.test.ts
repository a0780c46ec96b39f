// A server of a few bytes that wants a password. The real ones are in test/systems/postgres-*.test.ts.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { open } from '../../src/lib/stores/postgres/postgres.ts';

/** A message of authentication: type, length, what is wanted, text. */
function wants(code: number, text: string): Buffer {
  const head = Buffer.from([0, 0, 0, 8 + text.length, 0, 0, 0, code]);
  return Buffer.concat([Buffer.from('R'), head, Buffer.from(text)]);
}

test('without a password: the command says so, and leaves no connection open that keeps it running', async () => {
  const closed: Promise<unknown>[] = [];
  const server = createServer((socket: Socket) => {
    closed.push(once(socket, 'close'));
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(wants(10, 'SCRAM-SHA-256\0\0'));
      socket.once('data', () => socket.write(wants(11, 'r=nonce,s=c2FsdA==,i=4096')));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `postgres://nobody@127.0.0.1:${port}/dflow?sslmode=disable`;
  await expect(open(url, { write: false })).rejects.toMatchObject({ exit: 4 });
  expect(closed.length).toBeGreaterThan(0);
  await Promise.all(closed);
  server.close();
  await once(server, 'close');
});
