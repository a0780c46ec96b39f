// Tries inputs one after another, in a thread that the watchdog (bench/tools/fuzz.mjs) may end. Where it stands is in shared
// memory, so that a hang is known by its number.
import { parentPort, workerData } from 'node:worker_threads';
import { random } from '../random.ts';
import { mutated } from './mutate.ts';
import { HIDDEN, isOurs, TARGETS } from './targets.ts';

const { name, seed, from, until, seconds, place } = workerData as {
  readonly name: string;
  readonly seed: number;
  readonly from: number;
  readonly until: number;
  readonly seconds: number;
  readonly place: SharedArrayBuffer;
};

const target = (TARGETS[name] ?? HIDDEN[name])!;

/** The input of this number, the same at every call. */
function inputOf(number: number): Buffer {
  const next = random((seed * 1_000_003 + number) >>> 0);
  next();
  return mutated(target.samples, next);
}

async function work(): Promise<void> {
  const stands = new Int32Array(place);
  const opened = await target.open();
  const deadline = Date.now() + seconds * 1000;
  let number = from;
  let slowest = { took: 0, number: from };
  for (; number < until && Date.now() < deadline; number++) {
    Atomics.store(stands, 0, number);
    const input = inputOf(number);
    const began = performance.now();
    try {
      await opened.run(input);
    } catch (error) {
      const stack = error instanceof Error ? error.stack : String(error);
      const crash = { crash: number, stack: stack?.slice(0, 2000), input: input.toString('latin1') };
      if (!isOurs(error)) parentPort?.postMessage(crash);
    }
    const took = performance.now() - began;
    if (took > slowest.took) slowest = { took, number };
  }
  Atomics.store(stands, 0, number);
  await opened.close?.();
  parentPort?.postMessage({ done: number, slowest });
}

if (parentPort) await work();
