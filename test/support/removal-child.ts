// A process of its own that purges, moves or deletes, and is killed by the kernel at one of its calls of store, buffer or
// storage. Bundled by esbuild before it is started. argv: folder, step, number of the call (0: it lives),
// `before` or `after` it, clock offset in ms.
import type { JobDoc } from '../../src/lib/domain/jobs/job.ts';
import type { Ports, Step } from '../../src/lib/flow/ports.ts';
import { deleteOutputs } from '../../src/lib/flow/steps/delete/delete.ts';
import { purge } from '../../src/lib/flow/steps/purge/purge.ts';
import { transfer } from '../../src/lib/flow/steps/transfer/transfer.ts';
import { idsWith } from '../../src/lib/store.ts';
import { makePorts } from './ports.ts';

const [folder, step, at, when, offset] = process.argv.slice(2);
let calls = 0;

/** Dies at the chosen call: nothing of this process runs after it, no `finally` either. */
function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

function mortal<T extends object>(target: T): T {
  return new Proxy(target, {
    get(_, key) {
      const value = Reflect.get(target, key) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (key === 'localPath' || key === 'url') return Reflect.apply(value, target, args) as unknown;
        const mine = ++calls === Number(at);
        if (mine && when === 'before') die();
        const result = Reflect.apply(value, target, args) as unknown;
        return mine && result instanceof Promise ? result.finally(die) : result;
      };
    },
  });
}

async function* chosen(ports: Ports): Step {
  if (step === 'purge') yield* purge(ports);
  else if (step === 'move') yield* transfer(ports);
  else yield* deleteOutputs(ports, await ports.store.range<JobDoc>(idsWith('job:')));
}

const outputs = step === 'move' ? [{ to: ['fnal'], keep: false }] : [];
const now = () => Date.now() + Number(offset);
const ports = await makePorts({ folder: folder!, storages: ['sfu', 'fnal'], config: { outputs }, now });
const storage = async (site: string) => mortal(await ports.storage(site));
const buffer = async (level: string) => mortal(await ports.buffer(level));
for await (const item of chosen({ ...ports, store: mortal(ports.store), storage, buffer }))
  process.stdout.write(`${JSON.stringify(item)}\n`);
await ports.close();
