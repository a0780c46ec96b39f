// notify where the store is away: who is told, once, by a memory that needs no store and no free block of a disk; and that
// an outage is over. The disk and the mail server fail as the tests say.
import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { machine } from '../../../src/lib/cli/machine.ts';
import type { NotifyRule } from '../../../src/lib/domain/notify/rule.ts';
import type { Files, Mail } from '../../../src/lib/flow/ports.ts';
import { type AwayPorts, tellOfStore, wasAway } from '../../../src/lib/flow/steps/notify/away.ts';
import { ReadOnlyStoreError, StoreError, UnreachableError } from '../../../src/lib/util/errors.ts';
import { hide } from '../../../src/lib/util/text/secrets.ts';
import { DAY, HOUR, MINUTE, plus } from '../../../src/lib/util/time.ts';
import { collect } from '../../support/items.ts';
import { closeWorlds, world as worldOf } from '../../support/ports.ts';
import { runIn, standingWorld } from '../../support/standing.ts';

const T0 = '2026-07-14T03:00:00.000Z';
const AWAY = new StoreError('the store does not answer', { hint: 'dflow doctor --only store' });
const RULE: NotifyRule = { name: 'night', on: ['store'], mail: ['a@b'], urgent: ['store'], every: 0, repeat: DAY };

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
  await closeWorlds();
});

interface Host extends AwayPorts {
  readonly letters: Mail[];
  readonly fails: { mail: boolean; newFiles: boolean; writes: boolean };
}

async function host(...rules: NotifyRule[]): Promise<Host> {
  const { settings: plain } = await worldOf();
  const letters: Mail[] = [];
  const fails = { mail: false, newFiles: false, writes: false };
  const full = (): never => {
    throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  };
  const files: Files = {
    ...machine.files,
    replace: async (...words) => (fails.newFiles || fails.writes ? full() : machine.files.replace(...words)),
    overwrite: async (...words) => (fails.writes ? full() : machine.files.overwrite(...words)),
  };
  const mail = async (letter: Mail) => {
    if (fails.mail) throw new UnreachableError('no mail server');
    letters.push(letter);
    return [];
  };
  const settings = { ...plain, notify: { rules: rules.length === 0 ? [RULE] : rules } };
  return { settings, host: 'login1', files, locks: machine.locks, processes: machine.processes, mail, letters, fails };
}

const away = (on: Host, minutes: number, error = AWAY) => collect(tellOfStore(on, error, plus(T0, minutes * MINUTE)));
const well = (on: Host, minutes: number) => collect(tellOfStore(on, undefined, plus(T0, minutes * MINUTE)));
const subjects = (on: Host) => on.letters.map(({ subject }) => subject);

test('an outage is told once, its end once with how long it lasted, and nothing more', async () => {
  const on = await host();
  expect(await well(on, 0)).toEqual([]);
  expect(await away(on, 1)).toMatchObject([{ kind: 'notify', ref: 'night', did: 'sent' }]);
  expect(await away(on, 16)).toEqual([]);
  expect(await well(on, 41)).toMatchObject([{ did: 'sent' }]);
  expect(await well(on, 42)).toEqual([]);
  expect(subjects(on)).toEqual([
    expect.stringContaining('the store cannot be used from login1: the store does not answer'),
    expect.stringContaining('ended: the store cannot be used from login1'),
  ]);
  expect(on.letters[0]?.text).toContain('Next: dflow doctor --only store');
  expect(on.letters[1]?.text).toContain('ENDED after 40m');
});

test('an outage of a second day is told again, also where the reason has changed', async () => {
  const on = await host();
  await away(on, 0);
  await away(on, 60, new StoreError('the store refuses connections'));
  expect(on.letters).toHaveLength(1);
  await away(on, 25 * 60);
  expect(on.letters[1]?.text).toContain('STILL: ');
});

test('rules with store or silent hear of it; night is no reason to be quiet', async () => {
  const more = (name: string, on: NotifyRule['on'], rest: Partial<NotifyRule> = {}) => ({ ...RULE, name, on, ...rest });
  const quiet = { from: 0, to: 24 * 60 - 1 };
  const all = [
    more('silence', ['silent'], { quiet }),
    more('jobs', ['failed']),
    more('calm', ['store'], { quiet, urgent: [] }),
  ];
  expect(await away(await host(...all), 0)).toMatchObject([
    { ref: 'silence', did: 'sent' },
    { ref: 'calm', did: 'waiting', text: expect.stringContaining('quiet until') },
  ]);
});

test('a store that comes and goes is told at most once in the time of the rule', async () => {
  const on = await host({ ...RULE, every: 15 * MINUTE });
  for (let minute = 0; minute < 60; minute += 2) await (minute % 4 === 0 ? away(on, minute) : well(on, minute));
  expect(on.letters.length).toBeGreaterThan(1);
  expect(on.letters.length).toBeLessThan(5);
});

test('two notifiers of one host tell it once', async () => {
  const on = await host();
  await Promise.all([1, 2, 3].map(() => away(on, 0)));
  expect(on.letters).toHaveLength(1);
});

test('a full disk takes no new file: the memory was made while all was well', async () => {
  const on = await host();
  await well(on, 0);
  on.fails.newFiles = true;
  for (const minute of [1, 2, 3]) await away(on, minute);
  await well(on, 4);
  expect(on.letters).toHaveLength(2);
});

test('a memory that cannot be written, or is damaged, never means silence', async () => {
  const on = await host();
  on.fails.writes = true;
  await away(on, 0);
  await away(on, 15);
  expect(on.letters).toHaveLength(2);
  on.fails.writes = false;
  for (const text of ['', '{"rules":{"night":null}}', '[]', '{"rules":{},"back":7}']) {
    await machine.files.replace(`${on.settings.folder}/.dflow/notify/login1.json`, text);
    on.letters.length = 0;
    expect(await away(on, 30), text).toMatchObject([{ did: 'sent' }]);
  }
});

test('where the mail server is away, too, the alarm is kept and tried again, with the time since when', async () => {
  const on = await host();
  on.fails.mail = true;
  expect(await away(on, 0)).toMatchObject([{ did: 'failed', failed: true, text: 'no mail server' }]);
  on.fails.mail = false;
  await away(on, 30);
  expect(on.letters[0]?.text).toContain(`since ${T0}`);
  await well(on, 60);
  expect(on.letters[1]?.text).toContain('ENDED after 60m');
});

test('a store that was never there is no alarm; one that was, and is not set up any more, is', async () => {
  const on = await host();
  const gone = new ReadOnlyStoreError('the store is not set up');
  expect(await away(on, 0, gone)).toEqual([]);
  await well(on, 1);
  expect(await away(on, 2, gone)).toMatchObject([{ did: 'sent' }]);
});

test('no secret is in the message', async () => {
  const on = await host();
  hide('hunter22');
  await away(on, 0, new StoreError('no answer from https://anna:hunter22@couch.example.org/db (hunter22)'));
  expect(JSON.stringify(on.letters)).not.toContain('hunter22');
});

test('a dry run tells nobody and remembers nothing', async () => {
  const on = await host();
  const [item] = await collect(tellOfStore({ ...on, dry: true }, AWAY, T0));
  expect(item).toMatchObject({ did: 'sent', message: expect.stringContaining('the store cannot be used') });
  expect(on.letters).toEqual([]);
  await away(on, 1);
  expect(on.letters).toHaveLength(1);
});

test('silence is not news right after an outage, in which nobody could say that they live', async () => {
  const on = await host();
  await away(on, 0);
  expect(await wasAway(on, plus(T0, MINUTE))).toBe(false);
  await well(on, 30);
  expect(await wasAway(on, plus(T0, 45 * MINUTE))).toBe(true);
  expect(await wasAway(on, plus(T0, 2 * HOUR))).toBe(false);
});

test('the command tells it, ends with the error of the store, and tells its end before all else', async () => {
  const rule = "notify: {night: {on: silent, command: 'cat >> told', every: 0}}";
  const world = await standingWorld({ more: rule });
  cleanUps.push(() => world.remove());
  await runIn(world, ['notify']);
  const file = join(world.folder, 'dflow.db');
  renameSync(file, `${file}.away`);
  for (let round = 0; round < 2; round++)
    await expect(runIn(world, ['notify', '--json'])).rejects.toMatchObject({ exit: 3 });
  renameSync(`${file}.away`, file);
  // Silent since long before the outage ended: nobody knows yet whether it lives.
  const [host, loop, at] = [world.host, 'purge', world.ago(HOUR)];
  const plan = { command: loop, every: MINUTE, jitter: 0, pid: 7, since: at, at, due: world.ago(50 * MINUTE) };
  await world.put({ _id: `loop:${host}:${loop}`, kind: 'loop', host, loop, at, outcome: 'ok', plan });
  await runIn(world, ['notify']);
  await runIn(world, ['notify']);
  const told = readFileSync(join(world.folder, 'told'), 'utf8').trimEnd().split('\n');
  expect(told.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { what: 'new', trouble: 'store', rule: 'night', text: expect.stringContaining('the file of the store is gone') },
    { what: 'ended', trouble: 'store' },
  ]);
});
