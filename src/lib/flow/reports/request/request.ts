// One request: what it asks for, how far it is, what it used. Read from its document and from counts, never from passes.
import { requestId } from '../../../domain/ids.ts';
import { continued, passesOf, type RequestDoc } from '../../../domain/jobs/request.ts';
import type { Progress } from '../../../domain/jobs/requests/progress.ts';
import { noSuchError } from '../../../domain/named.ts';
import { idsWith } from '../../../store.ts';
import { shellWord } from '../../../util/text/shell.ts';
import { given } from '../../../util/values/given.ts';
import { exactlyLine } from '../../jobs/requests/exactly.ts';
import { withPlan } from '../../jobs/requests/requestplan.ts';
import { followedRequest, useOf } from '../../jobs/requests/requestuse.ts';
import type { ReadPorts } from '../../ports.ts';
import type { RequestPage } from './page.ts';

/** Lines of the exactly file that a page shows. */
const LINES = 2000;

/** @throws UsageError no such request, with the near miss */
export async function requestNamed({ store }: ReadPorts, name: string): Promise<RequestDoc> {
  const found = (await store.get<RequestDoc>([requestId(name)])).get(requestId(name));
  if (found) return found;
  const names = (await store.range<RequestDoc>(idsWith(requestId('')))).map((doc) => doc.name);
  throw noSuchError('request', name, names);
}

export async function requestPage(ports: ReadPorts, doc: RequestDoc): Promise<RequestPage> {
  const { store } = ports;
  const at = await store.now();
  const small = passesOf(doc) <= LINES;
  const [{ progress, states }, { failures, ...use }, whole] = await Promise.all([
    followedRequest(store, doc, at),
    useOf(store, doc.name),
    small ? withPlan(store, doc) : undefined,
  ]);
  const runs = doc.runs ?? whole?.plan.map(({ run }) => run) ?? [];
  const { name, version, modules, level, priority, labels, prerequisite, by, created } = doc;
  const { text, tag, after, estimate } = doc;
  return {
    experiment: ports.settings.experiment,
    at,
    ...{ name, version, modules, level, priority, labels, prerequisite, by, created },
    ...given({ text, tag, after, estimate }),
    runs: { count: new Set(runs).size, ...ends(runs) },
    progress,
    states,
    use,
    failures,
    // While a request is being made, its last passes may still be numbered anew.
    ...(whole && doc.made !== undefined ? { exactly: whole.plan.map(exactlyLine) } : {}),
    exactlyCommand: exactlyCommand(name),
    next: nextOf(doc, progress),
  };
}

function ends(runs: readonly number[]): { first?: number; last?: number } {
  if (runs.length === 0) return {};
  const sorted = runs.toSorted((a, b) => a - b);
  return given({ first: sorted[0], last: sorted.at(-1) });
}

function exactlyCommand(name: string): string {
  return `dflow list jobs --request ${shellWord(name)} --pass all --state all --format exactly`;
}

function nextOf(doc: RequestDoc, progress: Progress): string[] {
  const name = shellWord(doc.name);
  if (progress.state === 'being made') return [continued(doc)];
  return [
    ...(progress.failed > 0 ? [`dflow list jobs --request ${name} --state failed,partFail`] : []),
    ...(progress.failed > 0 ? [`dflow retry --request ${name} --dry-run`] : []),
    ...(progress.completed > 0 ? [`dflow get --request ${name} --list`] : []),
    `dflow why request:${name}`,
  ];
}
