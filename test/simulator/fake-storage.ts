// A storage element in memory: bytes by path. A copy is two events, so that half a file can be seen, and its bytes may
// be damaged on the way; everything else that goes wrong is the scheduler's business.
import type { Capabilities, Checksum, CopyOptions, Entry, Stat, Storage } from '../../src/lib/storage.ts';
import { ItemError, UnreachableError } from '../../src/lib/util/errors.ts';
import { iso } from '../../src/lib/util/time.ts';
import type { Process, Scheduler } from './scheduler.ts';

interface Stored {
  readonly bytes: string;
  readonly modified: number;
}

/** What is on the disks of one storage element, whoever looks. Local paths are `/sim/<name>/<path>`. */
export class Disk {
  readonly files = new Map<string, Stored>();
  /** Times that a path was made by a rename: how double transfers are counted. */
  readonly renames = new Map<string, number>();

  constructor(
    readonly name: string,
    private readonly clock: { readonly now: number },
  ) {}

  write(path: string, bytes: string): void {
    this.files.set(path, { bytes, modified: this.clock.now });
  }

  read(path: string): string {
    const stored = this.files.get(path);
    if (!stored) throw new ItemError(`${path}: no such file at ${this.name}`);
    return stored.bytes;
  }

  rename(from: string, to: string): void {
    this.write(to, this.read(from));
    this.files.delete(from);
    this.renames.set(to, (this.renames.get(to) ?? 0) + 1);
  }
}

/** The disks of the world by name, and what local paths and URLs lead to. */
export class Disks {
  readonly byName = new Map<string, Disk>();

  add(disk: Disk): Disk {
    this.byName.set(disk.name, disk);
    return disk;
  }

  at(local: string): { readonly disk: Disk; readonly path: string } | undefined {
    const match = /^(?:\/sim\/|sim:\/\/)([^/]+)\/(.*)$/.exec(local);
    const disk = match && this.byName.get(match[1]!);
    return disk ? { disk, path: match[2]! } : undefined;
  }
}

/** Eight lower-case hex digits, as zlib's. */
export function adler32(bytes: string): string {
  let low = 1;
  let high = 0;
  for (let index = 0; index < bytes.length; index++) {
    low = (low + bytes.charCodeAt(index)) % 65521;
    high = (high + low) % 65521;
  }
  return (((high << 16) | low) >>> 0).toString(16).padStart(8, '0');
}

const sumOf = (bytes: string): Checksum => ({ adler32: adler32(bytes), size: bytes.length });

/** Chance that a copy arrives damaged, while faults are on. */
export interface Damage {
  readonly copies: number;
}

/** The storage element as one process sees it. */
export class FakeStorage implements Storage {
  readonly capabilities: Capabilities = {
    thirdParty: false,
    tape: false,
    checksums: ['adler32'],
    rename: true,
    ranges: true,
  };

  constructor(
    private readonly disk: Disk,
    private readonly disks: Disks,
    private readonly scheduler: Scheduler,
    private readonly process: Process,
    private readonly damage: () => Damage,
    private readonly mounted: boolean,
  ) {}

  get name(): string {
    return this.disk.name;
  }

  stat(paths: readonly string[]): Promise<Map<string, Stat>> {
    return this.call(`stat ${paths.length}`, () => {
      const found = paths.flatMap((path) => {
        const stored = this.disk.files.get(path);
        return stored ? [[path, { size: stored.bytes.length, modified: iso(stored.modified) }] as const] : [];
      });
      return new Map(found);
    });
  }

  checksum(path: string): Promise<Checksum> {
    return this.call(`checksum ${path}`, () => sumOf(this.disk.read(path)));
  }

  readChecksum(path: string): Promise<Checksum> {
    return this.checksum(path);
  }

  read(path: string, offset: number, length: number): Promise<Buffer> {
    return this.call(`read ${path}`, () => Buffer.from(this.disk.read(path).slice(offset, offset + length), 'latin1'));
  }

  async copyIn(local: string, path: string, options: CopyOptions = {}): Promise<Checksum> {
    const source = this.local(local);
    const bytes = await this.copied(`copyIn ${path}`, source, { disk: this.disk, path }, options);
    options.progress?.(bytes.length);
    return sumOf(bytes);
  }

  async copyOut(path: string, local: string, options: CopyOptions = {}): Promise<Checksum> {
    const bytes = await this.copied(`copyOut ${path}`, { disk: this.disk, path }, this.local(local), options);
    options.progress?.(bytes.length);
    return sumOf(bytes);
  }

  async space(): Promise<undefined> {
    return undefined;
  }

  rename(from: string, to: string): Promise<void> {
    return this.call(`rename ${from} ${to}`, () => this.disk.rename(from, to));
  }

  remove(paths: readonly string[]): Promise<void> {
    return this.call(`remove ${paths.join(' ')}`, () => {
      for (const path of paths) this.disk.files.delete(path);
    });
  }

  async *list(prefix: string): AsyncIterable<Entry> {
    yield* await this.call(`list ${prefix}`, () =>
      [...this.disk.files]
        .filter(([path]) => path.startsWith(prefix))
        .map(([path, { bytes, modified }]) => ({ path, size: bytes.length, modified: iso(modified) })),
    );
  }

  url(path: string): string {
    return `sim://${this.disk.name}/${path}`;
  }

  /**
   * The buffer is mounted, and elsewhere what is being written: enough for every copy. Finished files have none, since
   * the flow compares those on the real disk, where it would find nothing and the scheduler would not see it wait.
   */
  localPath(path: string): string | undefined {
    const temporary = path.slice(path.lastIndexOf('/') + 1).startsWith('.');
    return temporary || (this.mounted && path !== '') ? `/sim/${this.disk.name}/${path}` : undefined;
  }

  private local(path: string): { readonly disk: Disk; readonly path: string } {
    const found = this.disks.at(path);
    if (!found) throw new ItemError(`${path}: no such path in the simulated world`);
    return found;
  }

  /** Half the bytes, then all of them: somebody may look, die or overtake in between. */
  private async copied(what: string, from: Place, to: Place, { signal }: CopyOptions): Promise<string> {
    const half = (): void => {
      const bytes = from.disk.read(from.path);
      to.disk.write(to.path, bytes.slice(0, bytes.length >> 1));
    };
    signal?.throwIfAborted();
    await this.call(`${what} begins`, half);
    signal?.throwIfAborted();
    return this.call(
      `${what} ends`,
      () => {
        const bytes = from.disk.read(from.path);
        const damaged = this.scheduler.random.chance(this.damage().copies);
        if (damaged) this.scheduler.count('damaged copy');
        to.disk.write(to.path, damaged ? `${bytes.slice(0, -1)}~` : bytes);
        return bytes;
      },
      half,
    );
  }

  private call<T>(what: string, effect: () => T, partial?: () => void): Promise<T> {
    return this.scheduler.call(this.process, {
      what: `${this.disk.name}: ${what}`,
      effect,
      error: (reason) => new UnreachableError(`${this.disk.name}: ${reason}`),
      ...(partial ? { partial: () => void quiet(partial) } : {}),
    });
  }
}

interface Place {
  readonly disk: Disk;
  readonly path: string;
}

function quiet(run: () => void): void {
  try {
    run();
  } catch {
    // A copy that was cut off leaves whatever it leaves.
  }
}
