// Progress on stderr, for a person whose results go elsewhere (a pipe, a file): items and bytes done so far.
// On a terminal the lines of the result are the progress.
import type { Item } from '../../flow/ports.ts';
import { humanCount, humanSize } from '../../render/human.ts';

/**
 * Passes the items on; shows how far they are when stderr is a terminal and stdout is not. `late`: nothing is printed
 * before the last item, so it is shown on a terminal, too.
 */
export async function* withProgress<I extends Item>(
  title: string,
  items: AsyncIterable<I> | Iterable<I>,
  wanted: boolean,
  late = false,
): AsyncGenerator<I, void, void> {
  if (!wanted || (process.stdout.isTTY && !late) || !process.stderr.isTTY) {
    yield* items;
    return;
  }
  const bar = await startBar(title);
  try {
    let count = 0;
    let bytes = 0;
    for await (const item of items) {
      count++;
      bytes += bytesOf(item);
      bar.say(`${title}: ${humanCount(count)}${bytes > 0 ? `, ${humanSize(bytes)}` : ''}`);
      yield item;
    }
  } finally {
    await bar.end();
  }
}

function bytesOf(item: Item): number {
  if (item.failed) return 0;
  return ('bytes' in item ? item.bytes : 'size' in item ? item.size : undefined) ?? 0;
}

/** One listr2 task on stderr, whose title is what there is to say. */
async function startBar(title: string): Promise<{ say(text: string): void; end(): Promise<void> }> {
  const { DefaultRenderer, Listr, ListrLogger, ProcessOutput } = await import('listr2');
  /** listr2 asks about stdout before it draws; this one draws on stderr. */
  class OnStderr extends DefaultRenderer {
    static override nonTTY = true;
  }
  const logger = new ListrLogger({ processOutput: new ProcessOutput(process.stderr, process.stderr) });
  let say: (text: string) => void = () => {};
  let finish: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const task = {
    title,
    task: async (_: unknown, shown: { title?: string }) => {
      say = (text) => {
        shown.title = text;
      };
      await done;
    },
  };
  const running = new Listr([task], { renderer: OnStderr, rendererOptions: { logger } }).run();
  return {
    say: (text) => say(text),
    end: async () => {
      finish();
      await running;
    },
  };
}
