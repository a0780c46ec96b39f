// A process of its own that transfers: killed by tests, or run beside another. Bundled by esbuild before it is started.
// argv: folder, host, lease in ms, clock offset in ms, delay in ms after each copy.
import { transfer } from '../../src/lib/flow/steps/transfer/transfer.ts';
import type { Storage } from '../../src/lib/storage.ts';
import { makePorts, replacing } from './ports.ts';

const [folder, host, lease, offset, delay] = process.argv.slice(2);

function watched(storage: Storage): Storage {
  return replacing(storage, {
    copyIn: async (local, path, options) => {
      process.stdout.write(`${JSON.stringify({ copies: path })}\n`);
      const sum = await storage.copyIn(local, path, options);
      if (Number(delay) > 0) await new Promise((resolve) => setTimeout(resolve, Number(delay)));
      return sum;
    },
  });
}

const ports = await makePorts({
  folder: folder!,
  host: host!,
  now: () => Date.now() + Number(offset),
  wrap: watched,
  config: { transfer: { parallel: 4, lease: `${lease} ms`, retry: '1 s' } },
});
for await (const item of transfer(ports)) process.stdout.write(`${JSON.stringify(item)}\n`);
await ports.close();
