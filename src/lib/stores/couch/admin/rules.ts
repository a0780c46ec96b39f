// Who may change what, as CouchDB enforces it: a `validate_doc_update` in a design document of its own. The function runs
// inside the server, on one document at a time: it knows nothing but its arguments, and reads no clock.
// biome-ignore-all lint/complexity/useOptionalChain: the engines of older servers do not know `?.`
import { ROLES, type Role } from '../../../domain/roles.ts';

/** Outside the range of the view sets: pruning those leaves it alone, in every version of dflow. */
export const RULES_ID = '_design/dflow_roles';

/** Raised when the rules change: an older dflow leaves newer rules as they are. */
const REVISION = 2;

export interface RulesDoc {
  readonly _id: string;
  readonly _rev?: string;
  readonly language: 'javascript';
  readonly rules: number;
  readonly validate_doc_update: string;
}

/** CouchDB takes functions without a name only. */
const SOURCE = `function (doc, before, user, security) { (${roleRules})(doc, before, user, security); }`;

export function rulesDoc(): RulesDoc {
  return { _id: RULES_ID, language: 'javascript', rules: REVISION, validate_doc_update: SOURCE };
}

/** True where the rules of the database are these, or those of a newer dflow. */
export function areInForce(there: Partial<RulesDoc> | undefined): boolean {
  if (!there?.validate_doc_update) return false;
  if (Number(there.rules) > REVISION) return true;
  return there.rules === REVISION && there.validate_doc_update === rulesDoc().validate_doc_update;
}

/** A role as CouchDB knows it: of this database, since one server may have those of several experiments. */
export const roleName = (database: string, role: Role): string => `dflow:${database}:${role}`;

/** The role that a user's words make in this database, the strongest of several. */
export function roleOf(words: readonly string[], database: string): Role | undefined {
  return ROLES.findLast((role) => words.includes(roleName(database, role)));
}

/** What every role of this database is called there. */
export const roleNames = (database: string): string[] => ROLES.map((role) => roleName(database, role));

/** What the server's function is given; documents may have any fields. */
// biome-ignore lint/suspicious/noExplicitAny: the function runs in CouchDB on documents of any shape
type Stored = any;

export interface UserContext {
  readonly name: string | null;
  readonly roles: readonly string[];
}
export interface SecurityObject {
  readonly admins?: { readonly names?: readonly string[]; readonly roles?: readonly string[] };
  readonly members?: { readonly names?: readonly string[]; readonly roles?: readonly string[] };
}

/**
 * Refuses with `needs the role R: what`. Its text is what the server runs: JavaScript of 2015, nothing from outside.
 * A role counts where `_security` names it, so that the same text serves a replica of another name.
 */
export function roleRules(doc: Stored, before: Stored, user: UserContext, security: SecurityObject): void {
  const admins = security.admins || {};
  const members = security.members || {};
  const mine = (names: readonly string[] | undefined) => user.roles.some((role) => (names || []).indexOf(role) >= 0);
  if (user.roles.indexOf('_admin') >= 0 || mine(admins.roles)) return;
  if (user.name !== null && (admins.names || []).indexOf(user.name) >= 0) return;
  const has = (role: string) =>
    user.roles.some((word) => {
      const named = word.indexOf('dflow:') === 0 && (members.roles || []).indexOf(word) >= 0;
      return named && word.slice(word.lastIndexOf(':') + 1) === role;
    });
  const refuse = (role: string, what: string): never => {
    throw { forbidden: `needs the role ${role}: ${what}` };
  };
  if (has('operator')) return;
  if (!has('site')) refuse('site', 'to write anything');

  const old = before && !before._deleted ? before : null;
  const operator = (what: string) => refuse('operator', what);
  const kind = String((old || doc).kind);
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

  if (doc._deleted) {
    // What passes by is cleared away by the step that made it; the rest is what the experiment knows.
    const lasting = [
      'data',
      'job',
      'hold',
      'request',
      'plan',
      'farm',
      'table',
      'tablebody',
      'tag',
      'tagpart',
      'archived',
    ];
    const known = kind === 'run' && old && (old.mask !== undefined || old.notes || old.automatic || old.labels);
    if (old && (known || lasting.indexOf(kind) >= 0)) operator(`to remove a document of kind '${kind}'`);
    return;
  }
  if (old && doc.kind !== old.kind) operator(`to make a document of kind '${kind}' one of kind '${doc.kind}'`);
  if (kind === 'request' || kind === 'plan') operator('to reprocess');
  if (kind === 'tag' || kind === 'tagpart') operator('to tag run tables');
  if (kind === 'archived') operator('to archive runs');

  if (kind === 'hold') {
    const automatic = doc.what === 'calibration' || String(doc._id).indexOf('hold:fault-') === 0;
    if (!old && !automatic) operator(`to put a hold (${doc.what})`);
    if (old) {
      // ISO times sort as texts. A hold that was put later than its end came from a wrong clock.
      const over = doc.ended && !old.ended && old.until && (old.until <= doc.ended.at || old.since > doc.ended.at);
      const ends = over && ['what', 'scope', 'why', 'since', 'until'].every((field) => same(old[field], doc[field]));
      const again = automatic && (old.ended || (old.until && (old.until <= doc.since || old.since > doc.since)));
      if (!ends && !again) operator(`to change or end a hold (${old.what})`);
    }
  }

  if (kind === 'farm' && old) {
    const [had, gets] = [old.identity || {}, doc.identity || {}];
    if (had.cluster && !gets.cluster) operator('to unlock a farm');
  }

  if (kind === 'run') {
    if (!same((old || {}).labels, doc.labels)) operator('to label runs');
    const levels = doc.levels || {};
    const had = (old && old.levels) || {};
    for (const name of Object.keys(levels)) {
      const { complete } = levels[name];
      if (complete && !(had[name] || {}).complete && String(complete.evidence).indexOf('declared by ') === 0)
        operator('to declare a run complete');
    }
  }

  if (kind === 'job') {
    const subjobs: Stored[] = doc.subjobs || [];
    if (!old) {
      if (doc.request !== undefined) operator('to reprocess');
      if (subjobs.some((one) => one.state.name !== 'waiting')) operator(`to import a job in state '${doc.state}'`);
      return;
    }
    for (const field of ['request', 'version', 'priority', 'labels', 'tag', 'created', 'needs'])
      if (!same(old[field], doc[field])) operator(`to change '${field}' of a job`);
    const were: Stored[] = old.subjobs || [];
    if (subjobs.length !== were.length) operator('to change which subjobs a job has');
    for (let at = 0; at < subjobs.length; at++) {
      const [was, now] = [were[at], subjobs[at]];
      const [from, to] = [was.state.name, now.state.name];
      if (now.wanted && !same(now.wanted, was.wanted)) {
        operator(now.wanted.state === 'canceled' ? 'to cancel jobs' : 'to put jobs back that run');
      }
      if (was.wanted && !now.wanted && from === to) operator('to take back what an operator wants of a job');
      if (from === to) continue;
      if (to === 'canceled' && (was.wanted || {}).state !== 'canceled') operator('to cancel jobs');
      if (to === 'deleted') operator('to delete outputs of jobs');
      if (from === 'waiting' && to === 'held') operator('to hold jobs');
      if (from === 'failed' || from === 'canceled' || from === 'deleted' || from === 'completed')
        operator(`to take a job out of state '${from}'`);
      if (from === 'held' && !(to === 'waiting' && was.state.until)) operator('to release held jobs');
    }
  }
}
