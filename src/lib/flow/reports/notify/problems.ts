// What somebody may have to be told of, from the same page that `status` prints: one problem for each cause.
import { isFaultHold } from '../../../domain/hold.ts';
import { parseJobId, refOf } from '../../../domain/ids.ts';
import { passesOf, type RequestDoc } from '../../../domain/jobs/request.ts';
import { ENDED } from '../../../domain/jobs/states.ts';
import { keyOf, type Problem, problemOf, troubleOf } from '../../../domain/notify/problem.ts';
import { lowEfficiency, type SampleDoc } from '../../../domain/storage/efficiency.ts';
import { daysText } from '../../../domain/storage/inflow.ts';
import { idsWith } from '../../../store.ts';
import { mapLimit } from '../../../util/concurrency.ts';
import { DAY, type Iso, plus } from '../../../util/time.ts';
import { groupBy } from '../../../util/values/group.ts';
import { views } from '../../../views/index.ts';
import type { ReadPorts } from '../../ports.ts';
import type { Attention, StatusPage } from '../status/page.ts';
import { status } from '../status/status.ts';

/** Everything, whatever the rules ask for. */
export async function problemsOf(ports: ReadPorts): Promise<Problem[]> {
  const page = await status(ports);
  return [
    ...(await failures(ports)),
    ...attentionProblems(page),
    ...bufferProblems(page),
    ...(await efficiencyProblems(ports, page.at)),
    ...(await doneRequests(ports, page)),
  ];
}

/** Rows read of one cause at one farm: more are as good as all. */
const ENOUGH = 2_000;
/** Causes asked for at once. */
const AT_ONCE = 8;
/** Passes named. */
const NAMED = 5;

interface Failed {
  readonly cause: string;
  readonly module: string;
  readonly farm: string;
  readonly run: number;
  readonly id: string;
  readonly since: Iso;
  readonly how: 'failed' | 'held';
}

/** Failed and held subjobs by cause and module, over all farms. */
async function failures({ store }: ReadPorts): Promise<Problem[]> {
  const groups = (await store.count(views.causes, 3)).map(({ key }) => key);
  const found = await mapLimit(groups, AT_ONCE, async ([cause, farm, how]): Promise<Failed[]> => {
    if (how === 'cooling') return [];
    const rows = await store.view(views.causes, { prefix: [cause, farm, how], limit: ENOUGH });
    return rows.flatMap(({ id, key }): Failed[] => {
      const job = parseJobId(id);
      return job ? [{ cause, farm, how, module: job.module, run: job.run, id, since: key[3] }] : [];
    });
  });
  return [...groupBy(found.flat(), ({ cause, module }) => `failed ${cause} ${module}`)].map(([key, all]) =>
    failure(key, all),
  );
}

function failure(key: string, all: readonly Failed[]): Problem {
  const byTime = [...all].sort((a, b) => (a.since < b.since ? -1 : 1));
  const [first] = byTime;
  const last = byTime.at(-1);
  const refs = [...new Set(byTime.map(({ id }) => refOfJob(id)))];
  const farms = [...new Set(all.map(({ farm }) => farm))];
  const held = all.filter(({ how }) => how === 'held').length;
  const what = held === all.length ? 'held until a person acts' : 'failed';
  const count = `${all.length}${all.length >= ENOUGH ? ' or more' : ''} ${all.length === 1 ? 'subjob' : 'subjobs'}`;
  const { cause = '', module = '' } = first ?? {};
  return problemOf({
    key,
    kind: 'failed',
    text: `${cause} in ${module}: ${count} ${what}, at ${farms.join(', ')}`,
    next: [`dflow why ${refs.at(-1)}`, `dflow retry --cause ${cause} --module ${module} --dry-run`],
    count: all.length,
    refs: refs.slice(-NAMED),
    runs: [...new Set(all.map(({ run }) => run))],
    modules: [module],
    farms,
    ...(first && last ? { since: first.since, job: last.id } : {}),
  });
}

function refOfJob(id: string): string {
  const job = parseJobId(id);
  return job ? refOf(job.run, job.module, job.pass) : id;
}

/** Lines of the status page; failures are said by cause already. */
function attentionProblems({ needYou, farms, holds }: StatusPage): Problem[] {
  const found = new Map<string, Problem>();
  for (const { way, text, next } of needYou.filter(isTold)) {
    const hold = way === 'hold' ? holdOf(next) : undefined;
    const fault = hold !== undefined && isFaultHold(hold);
    const key = hold === undefined ? keyOf(way, text) : `hold ${hold}`;
    const known = found.get(key);
    const places = farms
      .map(({ site }) => site)
      .filter((site) => way.startsWith('farm-') && text.startsWith(`${site}`));
    const scope = holds.find(({ _id }) => _id === hold)?.scope;
    const made = problemOf({
      key,
      kind: fault ? 'site-fault' : troubleOf(way),
      text,
      next: [next],
      farms: [...places, ...(scope?.sites ?? [])],
      modules: scope?.modules ?? [],
    });
    found.set(key, known ? { ...known, count: known.count + 1, text: `${known.text}; ${text}` } : made);
  }
  return [...found.values()];
}

/** Whoever reads the message knows that notify works again. */
function isTold({ way, text }: Attention): boolean {
  return troubleOf(way) !== 'failed' && !(way.startsWith('loop-') && /^notify on /.test(text));
}

function holdOf(next: Attention['next']): string | undefined {
  return /\bdflow resume (hold:\S+)/.exec(next)?.[1];
}

/** Told to those whose rule asks for more days than are left. */
function bufferProblems({ buffer }: StatusPage): Problem[] {
  return buffer.flatMap(({ level, daysLeft }) => {
    if (daysLeft === undefined) return [];
    const text = `buffer ${level} is full in ${daysText(daysLeft)} at the rate of the last day`;
    return problemOf({ key: `buffer-days ${level}`, kind: 'buffer', text, next: ['dflow why buffer'], daysLeft });
  });
}

async function efficiencyProblems({ store, settings }: ReadPorts, at: Iso): Promise<Problem[]> {
  const samples = await store.range<SampleDoc>(idsWith('sample:'));
  return samples.flatMap((doc) => {
    const low = lowEfficiency(doc, settings.efficiency, at);
    if (low === undefined) return [];
    return problemOf({
      key: `efficiency ${doc.name}`,
      kind: 'efficiency',
      text: `${doc.name}: ${low}`,
      next: [`dflow why ${doc.name}`],
    });
  });
}

/** Older requests are not looked at any more. */
const RECENT = 60 * DAY;

/** Requests of which every pass has ended. */
async function doneRequests({ store }: ReadPorts, { requests, at }: StatusPage): Promise<Problem[]> {
  const docs = await store.range<RequestDoc>(idsWith('request:'));
  return docs.flatMap((doc) => {
    const states = Object.entries(requests.find(({ name }) => name === doc.name)?.states ?? {});
    const count = states.reduce((sum, [state, value]) => sum + (ENDED.has(state) ? value : 0), 0);
    const total = passesOf(doc);
    if (doc.made === undefined || doc.created < plus(at, -RECENT) || count < total) return [];
    const words = states.map(([state, value]) => `${value} ${state}`).join(', ');
    const text = `request ${doc.name} is done: ${total === 0 ? 'no passes' : words}`;
    const next = [
      `dflow status --request ${doc.name}`,
      `dflow list jobs --request ${doc.name} --state all --format exactly`,
    ];
    return problemOf({
      key: `request-done ${doc.name}`,
      kind: 'request-done',
      text,
      next,
      count: total,
      once: true,
      refs: [doc._id],
      modules: doc.modules,
    });
  });
}
