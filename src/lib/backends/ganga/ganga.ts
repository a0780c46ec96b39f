// Ganga: a front end to other batch systems that knows no held jobs. Each job is submitted at once and waits at its start
// for a ticket in a folder that it shares with dflow; its state is what its own files say, joined with Ganga's word.
// Owns the contract's calls; talking to Ganga is in ganga/client.ts, the files in ganga/jobs.ts.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Backend, BackendContext, Refused, Status, Task } from '../../backend.ts';
import type { Identity } from '../../domain/farms/farm.ts';
import type { FarmSettings } from '../../domain/settings.ts';
import { UnreachableError } from '../../util/errors.ts';
import { askToEnd } from '../../util/processes/processes.ts';
import { codeOf } from '../../util/systemerrors.ts';
import { SECOND } from '../../util/time.ts';
import { nth } from '../../util/values/have.ts';
import type { ResultRecord } from '../../wrapper/record.ts';
import { isKey, renderSpec } from '../../wrapper/spec.ts';
import { isFull } from '../shared/fill.ts';
import { readTail } from '../shared/folder/files.ts';
import { reaching } from '../shared/folder/reachable.ts';
import { archiveRecords, keptRecords, readRecords } from '../shared/folder/records.ts';
import { sweep } from '../shared/folder/sweep.ts';
import { namePrefix } from '../shared/prefix.ts';
import { userName } from '../shared/user.ts';
import { lastWords, refusalOf } from '../slurm/parse.ts';
import { GangaClient } from './client.ts';
import { gangadirId } from './gangadir.ts';
import { GangaJobs } from './jobs.ts';
import { judge, type Look, settled } from './judge.ts';
import { type GangaOptions, parseOptions } from './options.ts';
import type { NewJob, NotTaken, Word } from './protocol.ts';

const reachable = reaching('the folder shared with the jobs');

/** Jobs in one question: Ganga takes up to a second for each on a bad day, and a question has a time limit. */
const SUBMIT = 20;
const ASK = 200;
/** Closed Ganga jobs removed before a submit, at least; each takes some 30 ms. */
const TIDY = 30;
/** As flow does: so many of all asked missing at once is Ganga's registry gone, not that many jobs. */
const MASS = { least: 5, share: 0.2 };

class GangaBackend implements Backend {
  /** Seconds to a minute, by how busy Ganga is. */
  readonly most = 200;
  readonly #options: GangaOptions;
  readonly #jobs: GangaJobs;
  readonly #client: GangaClient;
  readonly #prefix: string;
  readonly #identity: Identity;

  constructor(options: GangaOptions, jobs: GangaJobs, client: GangaClient, prefix: string, identity: Identity) {
    this.#options = options;
    this.#jobs = jobs;
    this.#client = client;
    this.#prefix = prefix;
    this.#identity = identity;
  }

  async identity(): Promise<Identity> {
    return this.#identity;
  }

  async submit(claim: string, tasks: readonly Task[]): Promise<Map<string, string | Refused>> {
    // All are rendered before the first is written: a name that cannot be used refuses the whole claim.
    const files = tasks.map(({ key, spec }) => [key, renderSpec(spec)] as const);
    if (tasks.length > 0) await this.#tidy(tasks.length);
    reachable(() => this.#jobs.add(claim, files));
    const answers = new Map<string, string | Refused>();
    const { via, viaOptions: options } = this.#options;
    for (let at = 0; at < tasks.length; ) {
      const group = tasks.slice(at, at + SUBMIT);
      const { ids, failed } = await this.#client.ask('submit', {
        via,
        options,
        jobs: group.map((one) => this.#newJob(one)),
      });
      for (const { key } of group) if (ids[this.#prefix + key]) answers.set(key, ids[this.#prefix + key]!);
      at += failed ? group.findIndex(({ key }) => this.#prefix + key === failed.name) : group.length;
      if (!failed) continue;
      const answer = this.#refusal(failed, nth(tasks, at).key);
      // Without room for one there is none for the rest: it is refused unasked.
      const refused = isFull(answer.refused) ? tasks.slice(at) : tasks.slice(at, at + 1);
      reachable(() => this.#jobs.close(refused.map(({ key }) => key)));
      for (const { key } of refused) answers.set(key, answer);
      at += refused.length;
    }
    return answers;
  }

  /**
   * Ganga does not tell a refusal from a failure; the batch system behind it does. What it has refused is fenced: if it
   * was taken all the same it will not start.
   * @throws UnreachableError unknown: what was taken stays held and is cancelled later
   */
  #refusal({ name, why, said }: NotTaken, key: string): Refused {
    const refused = this.#options.via === 'Slurm' ? refusalOf(said) : undefined;
    if (refused !== undefined && reachable(() => this.#jobs.fence(key, `refused ${refused}`))) return { refused };
    throw new UnreachableError(`Ganga could not submit ${name}: ${lastWords(said) || why}${this.#client.lastWords()}`);
  }

  #newJob({ key, spec }: Task): NewJob {
    const { holdLimit, beat, scratch, via } = this.#options;
    const jobs = this.#jobs;
    const times = [holdLimit, beat].map((ms) => String(Math.ceil(ms / SECOND)));
    const session = via === 'Local' ? 'yes' : 'no';
    const words = [jobs.start, jobs.folder, key, jobs.wrapper, ...times, session];
    return {
      name: this.#prefix + key,
      exe: '/bin/sh',
      args: scratch === undefined ? words : [...words, scratch],
      ...(via === 'Slurm' && { with: { extraopts: slurmWords(this.#options, spec) } }),
    };
  }

  /** The registry costs what is active: what dflow has closed is removed from it, as fast as more comes. */
  async #tidy(coming: number): Promise<void> {
    const open = reachable(() => this.#jobs.open()).map((key) => this.#prefix + key);
    await this.#client.ask('tidy', { open, limit: Math.max(TIDY, coming) });
  }

  async release(keys: readonly string[]): Promise<void> {
    reachable(() => {
      for (const key of keys) if (isKey(key)) this.#jobs.release(key);
    });
  }

  async status(keys: readonly string[]): Promise<Map<string, Status>> {
    const now = reachable(() => this.#jobs.clock());
    const looks = new Map(keys.filter(isKey).map((key) => [key, reachable(() => this.#jobs.look(key, now))]));
    const unsettled = new Set([...looks].filter(([, look]) => !settled(look)).map(([key]) => key));
    const words = await this.#words([...unsettled]);
    const limits = { beat: this.#options.beat, dead: this.#options.beatLimit };
    const found = new Map<string, Status>();
    for (const key of keys) {
      const word = words.get(key);
      // Looked at again after Ganga was asked: one that ended meanwhile has its record by now.
      const look = unsettled.has(key) ? reachable(() => this.#jobs.look(key, now)) : looks.get(key);
      found.set(key, look ? this.#explained(key, look, judge(look, word, limits)) : { state: 'absent' });
    }
    reachable(() => this.#fenceMissing([...unsettled], found));
    return found;
  }

  #explained(key: string, look: Look, status: Status): Status {
    if (look.mark?.kind !== 'fenced') return status;
    const why = reachable(() => this.#jobs.fencedBecause(key));
    return why === undefined ? status : { ...status, raw: `${look.mark.why}: ${why}` };
  }

  async #words(keys: readonly string[]): Promise<Map<string, Word>> {
    const words = new Map<string, Word>();
    for (const group of groups(keys, ASK)) {
      const { jobs } = await this.#client.ask('status', { names: group.map((key) => this.#prefix + key) });
      for (const key of group) {
        const word = jobs[this.#prefix + key];
        if (word) words.set(key, word);
      }
    }
    return words;
  }

  /**
   * A key that is missing for the second time can never start from here on, if it has not: whoever gives it up and
   * tries again must be sure of that, and a job that Ganga forgot may still queue behind it.
   */
  #fenceMissing(asked: readonly string[], found: Map<string, Status>): void {
    const missing = asked.filter((key) => found.get(key)?.state === 'absent');
    const gone = new Set(missing);
    for (const key of asked) if (!gone.has(key)) this.#jobs.forgetMissing(key);
    if (missing.length >= MASS.least && missing.length > asked.length * MASS.share) return;
    for (const key of missing) {
      if (!this.#jobs.noteMissing(key)) continue;
      if (!this.#jobs.fence(key, 'lost')) continue;
      found.set(key, { state: 'ended', raw: 'lost: Ganga does not know it' });
      this.#jobs.close([key]);
    }
  }

  async alive(): Promise<string[]> {
    return reachable(() => this.#jobs.alive());
  }

  async cancel(keys: readonly string[]): Promise<void> {
    const asked = keys.filter(isKey);
    const live = asked.filter((key) => reachable(() => this.#cancelOne(key)));
    // Its Local kills hard: in the middle of the login shell that it starts each job with, whose own locks then stay, or of
    // the wrapper's record. Nothing needs it there: what is fenced or told to end does so, and holds no place in a queue.
    if (live.length === 0 || this.#options.via === 'Local') return;
    for (const group of groups(live, ASK))
      await this.#client.ask('kill', { names: group.map((key) => this.#prefix + key) });
  }

  /** True when Ganga must be told. */
  #cancelOne(key: string): boolean {
    if (!this.#jobs.isOpen(key) || this.#jobs.hasRecord(key)) return false;
    // Whoever takes the start fence decides: ours means that it can never start, however late its job comes to a slot.
    if (this.#jobs.fence(key, 'canceled')) {
      this.#jobs.close([key]);
      return true;
    }
    const mark = this.#jobs.mark(key);
    if (mark?.kind !== 'started') return true;
    if (!this.#jobs.isAskedToEnd(key)) this.#jobs.noteCancel(key);
    this.#jobs.askToEnd(key);
    // On this very machine the wrapper hears of it now, not at its next heartbeat, and can still write its record.
    askToEnd(mark, key, false);
    return true;
  }

  async records(limit: number): Promise<ResultRecord[]> {
    return readRecords(
      this.#jobs,
      reachable(() => this.#jobs.list('result/new').slice(0, limit)),
    );
  }

  async acknowledge(records: readonly ResultRecord[]): Promise<void> {
    reachable(() => {
      archiveRecords(this.#jobs, records);
      this.#jobs.close(records.map(({ key }) => key).filter(isKey));
    });
  }

  kept(): Promise<ResultRecord[]> {
    return keptRecords(this.#jobs);
  }

  async logs(keys: readonly string[], bytes: number): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const key of keys) {
      const text = isKey(key) ? readTail(this.#jobs.logPath(key), bytes) : undefined;
      if (text !== undefined) found.set(key, text);
    }
    return found;
  }

  /** Nothing must be kept alive here; old files go, once a day. */
  async ensure(): Promise<void> {
    try {
      await sweep(this.#jobs, this.#options.keep, async () => {
        const needed = this.#jobs.closeOld(this.#options.keep);
        return (claim) => needed.has(claim);
      });
    } catch (error) {
      if (codeOf(error) === undefined) throw error;
      // A shared folder that is read-only for a while: whoever must write there says so.
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

/** What Slurm is told of one job, before what the farm says of all. */
function slurmWords({ viaOptions }: GangaOptions, spec: Task['spec']): string {
  const memory = spec.memory === undefined ? [] : [`--mem=${Math.ceil(spec.memory)}M`];
  const words = ['--no-requeue', `--cpus-per-task=${spec.cpus}`, ...memory, String(viaOptions.extraopts ?? '')];
  return words.join(' ').trim();
}

function groups<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, at) => all.slice(at * size, (at + 1) * size));
}

/** @throws ConfigError an option is wrong */
export function check(farm: FarmSettings, { folder }: Pick<BackendContext, 'folder'>): void {
  parseOptions(farm, folder);
}

/**
 * docs/systems.md lists the options.
 * @throws ConfigError an option is wrong
 * @throws UnreachableError a folder cannot be made
 */
export async function open(farm: FarmSettings, context: BackendContext): Promise<Backend> {
  const options = parseOptions(farm, context.folder);
  const prefix = namePrefix(context.uuid, farm.name);
  // Several farms and experiments may name the same folder: each has its own part of it.
  const shared = options.folder !== context.folder;
  const jobs = new GangaJobs(shared ? join(options.folder, `${farm.name}-${prefix.slice(6, -1)}`) : options.folder);
  reachable(() => {
    jobs.create();
    mkdirSync(context.folder, { recursive: true });
  });
  const id = gangadirId(options.gangadir, context.nonce, `farms.${farm.name}`);
  const identity = { cluster: `${id}:${options.via}`, user: userName() };
  const client = new GangaClient(options, prefix, context.folder, `farms.${farm.name}`);
  return new GangaBackend(options, jobs, client, prefix, identity);
}
