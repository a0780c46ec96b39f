// Commands in the process of the test, many of them in a row: a process each would cost more than what they do.

import { resolve } from 'node:path';
import { Readable } from 'node:stream';
import { Config } from '@oclif/core';
import { report } from '../../src/lib/cli/output/report.ts';
import type { Ran } from './cli.ts';

const root = resolve(import.meta.dirname, '..', '..');

interface CommandClass {
  run(argv: string[], config: Config): Promise<unknown>;
}

let config: Config | undefined;

/** Runs the command in `folder`, with these variables besides those of the process. One at a time. */
export async function dflowHere(folder: string, words: readonly string[], env: Record<string, string>): Promise<Ran> {
  config ??= await Config.load({ root });
  const { command, argv } = await commandOf(config, words);
  const [out, err] = [caught(process.stdout), caught(process.stderr)];
  const before = { cwd: process.cwd(), env: { ...process.env } };
  const stdin = Object.getOwnPropertyDescriptor(process, 'stdin')!;
  Object.defineProperty(process, 'stdin', { configurable: true, value: Readable.from([]) });
  process.chdir(folder);
  Object.assign(process.env, { NO_COLOR: '1', ...env });
  try {
    const thrown = await command.run(argv, config).then(
      () => undefined,
      (error: unknown) => error,
    );
    const code = thrown === undefined ? Number(process.exitCode ?? 0) : report(thrown);
    return { code, out: out.text(), err: err.text() };
  } finally {
    out.end();
    err.end();
    Object.defineProperty(process, 'stdin', stdin);
    process.exitCode = 0;
    process.chdir(before.cwd);
    for (const name of Object.keys(env)) {
      const was = before.env[name];
      if (was === undefined) delete process.env[name];
      else process.env[name] = was;
    }
  }
}

/** The command that the first words name, the longest name first. */
async function commandOf({ commandIDs }: Config, words: readonly string[]) {
  for (let count = Math.min(3, words.length); count > 0; count--) {
    if (!commandIDs.includes(words.slice(0, count).join(':'))) continue;
    const path = `../../src/commands/${words.slice(0, count).join('/')}`;
    const found = await import(/* @vite-ignore */ `${path}.ts`).catch(
      () => import(/* @vite-ignore */ `${path}/index.ts`),
    );
    return { command: found.default as CommandClass, argv: words.slice(count) };
  }
  throw new Error(`dflow has no command ${words.join(' ')}`);
}

/** What is written to the stream meanwhile. */
function caught(stream: NodeJS.WriteStream): { text(): string; end(): void } {
  const chunks: string[] = [];
  const real = stream.write;
  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) => {
    chunks.push(String(chunk));
    const done = rest.at(-1);
    if (typeof done === 'function') done();
    return true;
  }) as typeof stream.write;
  return {
    text: () => chunks.join(''),
    end: () => {
      stream.write = real;
    },
  };
}
