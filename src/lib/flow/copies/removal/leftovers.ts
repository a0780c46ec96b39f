// What a deletion of outputs left that was killed, or whose element went away: the receipt names it, and the catalogue
// says whether it was to go. What is still catalogued gets its name again; the rest goes now, by the same way.

import type { JobDoc } from '../../../domain/jobs/job.ts';
import type { Output } from '../../../domain/jobs/states.ts';
import { shown } from '../../../util/text/names.ts';
import { groupBy } from '../../../util/values/group.ts';
import { nth } from '../../../util/values/have.ts';
import type { About, Item, Ports, Step } from '../../ports.ts';
import type { Sites } from '../sites.ts';
import type { Staying } from './lookagain.ts';
import { type Going, putBack, Removal } from './removal.ts';

/** A line of a receipt of outputs. */
interface Line {
  readonly kind: string;
  readonly id: string;
  readonly ref: string;
  readonly size: number;
  readonly site: string;
  readonly path: string;
  readonly name: string;
  readonly subjob: number;
  readonly aside: string;
}

/** What became of an output that a stopped deletion had set aside. */
type Settled = 'restored' | 'deleted';

/** Settles what earlier calls of this folder left. Items: a pass `restored` or `deleted`; a file `left`, failed. */
export async function* settleLeft(ports: Ports, sites: Sites): Step {
  for await (const left of ports.receipts.left(ports.settings.folder)) {
    const nonce = ports.nonce();
    const receipt = ports.receipts.make(ports.settings.folder, 'settle', await ports.store.now(), nonce);
    const removal = new Removal(sites, receipt, nonce);
    const done: { did: Settled; line: Line }[] = [];
    let settled = true;
    try {
      for (const line of left.lines.filter(isOutputLine)) {
        const did = await settleLine(ports, sites, removal, line);
        if (typeof did === 'string') done.push({ did, line });
        else if (did) yield did;
        if (typeof did === 'object') settled = false;
      }
    } finally {
      // What it names that is still there, the other receipt names too.
      await receipt.close();
      await left.close(settled);
    }
    if (settled) await forgetLeft(ports, left);
    for (const same of groupBy(done, ({ did, line }) => `${did} ${line.ref}`).values()) {
      const lines = same.map(({ line }) => line);
      yield settledItem(nth(same, 0).did, lines, left.name);
    }
  }
}

/** Says in the pass that bytes of it are left at `sites`, for status and why. */
export async function noteLeft(ports: Ports, id: string, receipt: string, sites: ReadonlySet<string>): Promise<void> {
  if (sites.size === 0) return;
  const left = Object.fromEntries([...sites].map((site) => [site, receipt]));
  await ports.store.update<JobDoc>(id, (job) =>
    job ? { write: { ...job, undeleted: { ...job.undeleted, ...left } } } : { skip: 'gone' },
  );
}

/** Nothing that the receipt names is left. */
async function forgetLeft(ports: Ports, { name, lines }: { name: string; lines: readonly object[] }): Promise<void> {
  const ids = new Set(lines.flatMap((line) => ('id' in line && typeof line.id === 'string' ? line.id : [])));
  await ports.store.bulk<JobDoc>(
    [...ids].map((id) => ({
      id,
      change: (job) => {
        if (!job) return { skip: 'gone' };
        const { undeleted = {}, ...rest } = job;
        const others = Object.entries(undeleted).filter(([, receipt]) => receipt !== name);
        if (others.length === Object.keys(undeleted).length) return { skip: 'nothing was left' };
        return { write: others.length === 0 ? rest : { ...rest, undeleted: Object.fromEntries(others) } };
      },
    })),
  );
}

function settledItem(did: Settled, lines: readonly Line[], receipt: string): Item {
  const ref = lines[0]?.ref ?? '';
  const bytes = lines.reduce((sum, { size }) => sum + size, 0);
  const text = `${lines.length} ${lines.length === 1 ? 'output' : 'outputs'} left by an interrupted deletion`;
  return { kind: 'job', ref, did, outputs: lines.length, bytes, text, receipt };
}

function isOutputLine(line: Record<string, unknown>): line is Record<string, unknown> & Line {
  return (line.kind === 'move' || line.kind === 'delete') && typeof line.aside === 'string';
}

/** What was done about one file; nothing: there was nothing to do; an item: what keeps it. */
async function settleLine(
  ports: Ports,
  sites: Sites,
  removal: Removal,
  line: Line,
): Promise<Settled | Item | undefined> {
  const { id, site, path, name, subjob } = line;
  const item: About<'file'> = { kind: 'file', ref: `${site}:${shown(path)}`, storage: site, path };
  const failed = (text: string): Item => ({ ...item, did: 'left', failed: true, text, next: `dflow why ${site}` });
  const found = await sites.attempt(site, (storage) =>
    putBack(ports.files, storage, path, line.aside.slice(line.aside.lastIndexOf('-') + 1)),
  );
  if (found === undefined) return failed(`left by an interrupted deletion; ${site} cannot be reached`);
  if (found === 'absent') return undefined;
  if (found === 'taken')
    return failed(`another file has this name; the file is kept beside it as ${shown(line.aside)}`);
  const job = (await ports.store.get<JobDoc>([id])).get(id);
  const outputs = job && outputsOf(job, subjob);
  if (outputs?.some((output) => output.storage === site && output.path === path))
    return found === 'back' ? 'restored' : undefined;
  if (!outputs) return failed(`left by an interrupted deletion; the document ${id}, which decides, does not exist`);
  const going: Going = { site, path, stay: stayingOf(outputs, name), line: { ...line, kind: 'settle' } };
  await removal.announce([going]);
  const fate = nth(await removal.remove([going]), 0);
  return fate.gone ? 'deleted' : failed(fate.why);
}

/** The outputs that the catalogue names of a subjob; `undefined`: there is no such subjob. */
function outputsOf(job: JobDoc, subjob: number): readonly Output[] | undefined {
  const state = job.subjobs.find(({ index }) => index === subjob)?.state;
  return state && (state.name === 'completed' ? state.outputs : []);
}

/** What must still be there when a copy of output `name` is away; `outputs`: what stays of its subjob. */
export function stayingOf(outputs: readonly Output[], name: string): Staying[] {
  return outputs.flatMap(({ storage, path, size, bad, ...one }) =>
    bad === undefined ? [{ site: storage, path, size, same: one.name === name }] : [],
  );
}
