// A headless Chromium by its own protocol: opens a file as a screen of a given size shows it, and asks the page.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { WebSocket } from 'undici';

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

interface Look {
  readonly width: number;
  readonly height?: number;
  readonly dark?: boolean;
}

export class Browser {
  #next = 0;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  readonly #heard = new Map<string, (params: Record<string, unknown>) => void>();

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    private readonly socket: WebSocket,
  ) {
    socket.addEventListener('message', ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer;
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
      else this.#heard.get(`${answer.sessionId} ${answer.method}`)?.(answer.params ?? {});
    });
  }

  static async start(): Promise<Browser> {
    const folder = mkdtempSync(join(tmpdir(), 'dflow-browser-'));
    const flags = [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--remote-debugging-port=0',
    ];
    const child = spawn('chromium', [...flags, `--user-data-dir=${folder}`, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'pipe'],
      detached: true,
    });
    for await (const line of createInterface(child.stderr!)) {
      const url = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
      if (url === undefined) continue;
      child.stderr!.resume();
      const socket = new WebSocket(url);
      await new Promise<void>((resolve, reject) => {
        socket.addEventListener('open', () => resolve());
        socket.addEventListener('error', () => reject(new Error('chromium does not answer')));
      });
      return new Browser(child, folder, socket);
    }
    throw new Error('chromium did not start');
  }

  async #send(method: string, params: object = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++this.#next;
    const answer = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.socket.send(JSON.stringify({ id, method, params, ...(sessionId ? { sessionId } : {}) }));
    const { result, error } = await answer;
    this.#waiting.delete(id);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  /** What the page says of itself (`ask`: an expression), its complaints, and its picture (PNG, base64). */
  async open(file: string, look: Look, ask: string): Promise<{ value: unknown; complaints: string[]; png: string }> {
    const { targetId } = await this.#send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.#send('Target.attachToTarget', { targetId, flatten: true });
    const session = String(sessionId);
    const complaints: string[] = [];
    const note = (params: Record<string, unknown>): void => {
      complaints.push(JSON.stringify(params));
    };
    for (const event of ['Log.entryAdded', 'Runtime.exceptionThrown', 'Runtime.consoleAPICalled'])
      this.#heard.set(`${session} ${event}`, note);
    for (const domain of ['Page', 'Runtime', 'Log']) await this.#send(`${domain}.enable`, {}, session);
    const { width, height = 900, dark = false } = look;
    const metrics = { width, height, deviceScaleFactor: 1, mobile: width < 500 };
    await this.#send('Emulation.setDeviceMetricsOverride', metrics, session);
    const features = [{ name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }];
    await this.#send('Emulation.setEmulatedMedia', { features }, session);
    const loaded = new Promise<void>((resolve) => this.#heard.set(`${session} Page.loadEventFired`, () => resolve()));
    await this.#send('Page.navigate', { url: pathToFileURL(file).href }, session);
    await loaded;
    const { result } = await this.#send('Runtime.evaluate', { expression: ask, returnByValue: true }, session);
    const shot = await this.#send('Page.captureScreenshot', { captureBeyondViewport: true }, session);
    await this.#send('Target.closeTarget', { targetId });
    return { value: (result as { value?: unknown }).value, complaints, png: String(shot.data) };
  }

  async close(): Promise<void> {
    const ended = once(this.child, 'exit');
    // All of its processes: one that goes on would write into the folder while it is removed.
    process.kill(-this.child.pid!, 'SIGKILL');
    await ended;
    this.socket.close();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}
