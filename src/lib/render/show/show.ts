// `show` on a terminal: a page with what a person asks first, each part under its title.
import chalk from 'chalk';
import type { DataDoc, RawFile } from '../../domain/data/data.ts';
import { refOf } from '../../domain/ids.ts';
import type { Subjob } from '../../domain/jobs/job.ts';
import { lockOf, type Usage } from '../../domain/jobs/states.ts';
import { shownFields } from '../../flow/reports/records.ts';
import type { DocumentPage, Page, PassPage, RunPage } from '../../flow/reports/show.ts';
import type { NoteDoc } from '../../flow/switches/notes.ts';
import { cleaned } from '../../util/text/terminal.ts';
import { between, humanAge, humanDuration } from '../../util/time.ts';
import { groupBy } from '../../util/values/group.ts';
import { humanSize, localTime } from '../human.ts';
import { rowTable } from '../rows.ts';
import { stateColour } from '../states.ts';
import { facts, headLine, MOST, nextLines, type Part, partText, size, state, text, time } from './parts.ts';
import { requestText } from './request.ts';
import type { Fields } from './table.ts';

/** The page in `width` columns. */
export function showText(found: Page, width: number): string {
  if (found.of === 'run') return runText(found, width);
  if (found.of === 'request') return requestText(found.request, width);
  return found.of === 'pass' ? passText(found, width) : documentText(found, width);
}

const notesOf = (notes: readonly NoteDoc[]): [string, string][] =>
  notes.map(({ at, by, text: said }, index) => [index === 0 ? 'notes' : '', `${said} (${by}, ${at})`]);

function runText({ run, types, data, passes, firstPass, notes }: RunPage, width: number): string {
  const levels = Object.entries(run.levels);
  const complete = levels.length > 0 && levels.every(([, level]) => level.complete);
  const word = complete ? 'complete' : 'open';
  const ref = refOf(run.run);
  const lines = levels.map(([name, level]): [string, string] => {
    const end = level.complete ? `complete since ${level.complete.at}: ${level.complete.evidence}` : level.blocked;
    const late = level.late.length === 0 ? '' : `; came late: ${level.late.join(', ')}`;
    return [name, `${level.files} ${level.files === 1 ? 'file' : 'files'}, ${end ?? 'open'}${late}`];
  });
  const made = Object.entries(run.automatic ?? {}).map(([version, { at, modules }]): [string, string] => {
    return ['passes', `${modules.join(', ') || 'none'} of ${version}, made ${at}`];
  });
  const head = [chalk.bold(ref), types.join('+'), stateColour(complete ? 'ok' : 'waiting')(word.toUpperCase())];
  return [
    ...headLine([...head, chalk.dim(`first seen ${localTime(run.firstSeen)}`)], width),
    ...facts([...lines, ...made, ['labels', run.labels?.join(', ') ?? ''], ...notesOf(notes)], width),
    ...data.flatMap((doc) => partText(filesPart(doc), width)),
    ...(firstPass.length === 0 ? [] : ['', chalk.bold('FIRST PASS'), rowTable('first-pass', firstPass, width)]),
    ...(passes.length === 0 ? [] : ['', chalk.bold('PASSES'), rowTable('jobs', passes, width)]),
    ...nextLines([`dflow why ${ref}`, `dflow history ${ref}`]),
  ].join('\n');
}

function filesPart(doc: DataDoc): Part {
  const kept = doc.keep.kept ? '' : `, sampled out: ${doc.keep.rule}`;
  const bytes = doc.files.reduce((sum, file) => sum + file.size, 0);
  return {
    title: `FILES ${doc.level}  ${doc.files.length}, ${humanSize(bytes)} on ${doc.host}${kept}`,
    columns: [text('file'), size, { field: 'original', as: 'state' }, text('copies')],
    rows: doc.files.map((file) => ({
      ...{ file: file.name, size: file.size, original: file.original.state, copies: copiesOf(file) },
    })),
  };
}

/** `sfu ral verified, fnal bad: not there`: what is well is said at once. */
function copiesOf(file: RawFile): string {
  const all = Object.entries(file.replicas);
  const well = all.filter(([, replica]) => replica.state === 'verified').map(([name]) => name);
  const rest = all.flatMap(([name, replica]) => {
    if (replica.state === 'verified') return [];
    return `${name} ${replica.state}${'why' in replica ? `: ${replica.why}` : ''}`;
  });
  return [well.length === 0 ? '' : `${well.join(' ')} verified`, ...rest].filter((part) => part !== '').join(', ');
}

function passText(page: PassPage, width: number): string {
  const { job, state: shown, now } = page;
  const ref = refOf(job.run, job.module, job.pass);
  const word = stateColour(shown)(shown.toUpperCase());
  const ended = job.subjobs.some(({ state: { name } }) => name === 'failed' || name === 'held');
  return [
    ...headLine(
      [chalk.bold(ref), job.version, job.request ?? 'automatic', word, `since ${localTime(job.since)}`],
      width,
    ),
    ...facts(
      [
        ['made', `${job.created} (${humanAge(job.created, now)} ago), priority ${job.priority}`],
        ['tag', job.tag ?? ''],
        ['labels', job.labels.join(', ')],
        ['tables', Object.keys(job.tables).join(', ')],
        ...notesOf(page.notes),
      ],
      width,
    ),
    ...partText(inputsPart(page), width),
    ...partText(subjobsPart(page), width),
    ...partText(outputsPart(page), width),
    ...partText(triesPart(page), width),
    ...nextLines([
      `dflow why ${ref}`,
      `dflow log ${ref}`,
      ...(ended ? [`dflow retry ${ref}`] : [`dflow history ${ref}`]),
    ]),
  ].join('\n');
}

function inputsPart({ job, data, needs }: PassPage): Part {
  const names = new Set(
    job.subjobs.flatMap(({ inputs }) => inputs.flatMap((one) => (one.kind === 'raw' ? one.name : []))),
  );
  const files = (data?.files ?? []).filter(({ name }) => names.has(name));
  const lost = [...names].filter((name) => !files.some((file) => file.name === name));
  const rows = [
    ...job.needs.map((need) => {
      const doc = needs.get(need.job);
      const ready = doc?.subjobs.flatMap(({ state: of }) => (of.name === 'completed' ? of.outputs : [])) ?? [];
      const where = [...new Set(ready.map(({ storage }) => storage))].join(' ');
      const copies = ready.length === 0 ? '' : `${ready.length} outputs at ${where}`;
      return { input: refOf(job.run, need.module, need.pass), state: doc?.state ?? 'unknown', copies };
    }),
    ...files.map((file) => ({ input: file.name, size: file.size, copies: copiesOf(file) })),
    ...lost.map((name) => ({ input: name, copies: 'not in the catalogue' })),
  ];
  return { title: 'INPUTS', columns: [text('input'), size, state, text('copies')], rows };
}

function subjobsPart({ job }: PassPage): Part {
  const rows = job.subjobs.map((subjob) => {
    const { state: of } = subjob;
    const usage = of.name === 'completed' ? of.usage : undefined;
    return {
      subjob: three(subjob.index),
      state: of.name,
      since: of.since,
      ...placeOf(subjob),
      ...usedBy(usage),
      why: whyOf(subjob),
    };
  });
  const columns = [
    text('subjob'),
    state,
    time('since'),
    text('site'),
    text('host'),
    text('time'),
    text('memory'),
    text('why'),
  ];
  return { title: 'SUBJOBS', columns, rows: job.subjobs.length > MOST ? summed(rows) : rows };
}

/** Of very many the states are counted. */
function summed(rows: readonly { readonly state: string; readonly why: string }[]): Fields[] {
  return [...groupBy(rows, (row) => `${row.state} ${row.why}`).values()].map((some) => {
    return { subjob: `${some.length} of ${rows.length}`, state: some[0]?.state, why: some[0]?.why };
  });
}

const three = (index: number): string => String(index).padStart(3, '0');

function placeOf(subjob: Subjob): { site?: string } {
  const site = lockOf(subjob.state)?.site;
  return site === undefined ? {} : { site };
}

/** What a person reads of the time and the memory that an attempt took. */
function usedBy(usage: Usage = {}): { host?: string; time?: string; memory?: string } {
  const { host, wall, cpu, maxRss } = usage;
  const busy = cpu === undefined || !wall ? '' : ` (${Math.round((100 * cpu) / wall)} % CPU)`;
  return {
    ...(host === undefined ? {} : { host }),
    ...(wall === undefined ? {} : { time: `${humanDuration(1000 * wall)}${busy}` }),
    ...(maxRss === undefined ? {} : { memory: humanSize(1024 * maxRss) }),
  };
}

function whyOf({ state: of, wanted, raw }: Subjob): string {
  if (wanted) return `to be ${wanted.state} (${wanted.by}: ${wanted.why})`;
  switch (of.name) {
    case 'waiting':
      return of.wake.kind === 'on' ? `for ${of.wake.id}` : 'ready';
    case 'held': {
      const until = of.until === undefined ? 'until a person acts' : `until ${of.until}`;
      return `${of.failure ? `${of.failure.cause}: ${of.failure.reason}` : of.reason}, ${until}`;
    }
    case 'failed':
      return `${of.failure.cause}: ${of.failure.reason}`;
    case 'canceled':
      return of.why;
    case 'deleted':
      return `receipt ${of.receipt}`;
    default:
      return raw ?? '';
  }
}

function outputsPart({ job }: PassPage): Part {
  const rows = job.subjobs.flatMap(({ state: of }) =>
    (of.name === 'completed' ? of.outputs : []).map(({ type, name, size: bytes, storage, bad }) => {
      return { type, file: name, size: bytes, storage, ...(bad === undefined ? {} : { why: `bad: ${bad}` }) };
    }),
  );
  return { title: 'OUTPUTS', columns: [text('type'), text('file'), size, text('storage'), text('why')], rows };
}

/** Attempts that did not complete, the last one first. */
function triesPart({ job }: PassPage): Part {
  const rows = job.subjobs.flatMap((subjob) =>
    (subjob.tries ?? []).map((one) => {
      const spent = one.wall === undefined ? { time: humanDuration(between(one.since, one.ended)) } : {};
      const { attempt, site, ended, cause, reason } = one;
      const name = `${three(subjob.index)} try ${attempt}`;
      return { try: name, ended, cause: cause ?? 'ended', site, ...spent, ...usedBy(one), why: reason };
    }),
  );
  const columns = [
    text('try'),
    time('ended'),
    text('cause'),
    text('site'),
    text('host'),
    text('time'),
    text('memory'),
    text('why'),
  ];
  return { title: 'TRIES', columns, rows: rows.toSorted((a, b) => (a.ended < b.ended ? 1 : -1)) };
}

/** A document of another kind, field by field. */
function documentText({ doc }: DocumentPage, width: number): string {
  const { _id, kind, v: _, history: __, ...fields } = cleaned(shownFields(doc)) as Record<string, unknown>;
  const said = Object.entries(fields).map(([name, value]): [string, string] => [
    name,
    typeof value === 'string' ? value : JSON.stringify(value),
  ]);
  const id = String(_id);
  return [
    ...headLine([chalk.bold(id), String(kind)], width),
    ...facts(said, width),
    ...nextLines([`dflow history ${id}`]),
  ].join('\n');
}
