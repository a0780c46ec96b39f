// The document store: that it answers, and as what; that this host may write it.
import { type Doc, SCHEMA } from '../../../../../domain/doc.ts';
import { LoginError, ReadOnlyStoreError, StoreError } from '../../../../../util/errors.ts';
import { counted } from '../../../../../util/text/counted.ts';
import { SECOND } from '../../../../../util/time.ts';
import { type Check, type Finding, failed, notChecked, ok, type Patient, warning } from '../../check.ts';

export const check: Check = {
  name: 'store',
  group: 'store',
  about: [
    {
      ref: 'store/answers',
      looks: 'Whether the store answers and takes the login, and how long a question takes.',
      means: 'The store is away, refuses the login, or is slow. Checks that need the store are unknown then.',
      mends: 'Start the store, or correct `store:` in `dflow.yaml` or the login. Slow: a store nearer to this host.',
    },
    {
      ref: 'store/marked',
      looks: 'Whether this is the writable store of this experiment: its mark, its schema, and `cluster.n` of CouchDB.',
      means:
        'The store is not set up, is that of another experiment, or a newer dflow wrote it. With `n` above 1 two writers can both win.',
      mends:
        '`dflow store setup`; the right `experiment:` or `store:`; install the newer version. For `n`: a database with n=1.',
    },
    {
      ref: 'store/rights',
      looks: 'A document of this host is written and removed.',
      means: 'The login may only read, or a conflict freezes the document.',
      mends: 'A user of the database who may write; `dflow store conflicts list`.',
    },
  ],
  looks: (patient) => [
    { subject: 'answers', look: () => reachable(patient) },
    { subject: 'marked', look: () => marked(patient) },
    {
      subject: 'rights',
      touches: `writes the document ${rightsId(patient)} and removes it`,
      look: () => mayWrite(patient),
    },
  ],
};

/** Milliseconds of one question beyond which every command is slow. */
const SLOW = 0.5 * SECOND;

async function reachable({ store, clock }: Patient): Promise<Finding> {
  try {
    const { where, engine, documents } = await store.info();
    const started = clock();
    await store.get(['run:0']);
    const took = Math.round(clock() - started);
    const text = `${engine}, ${where}, ${counted(documents, 'document')}, ${took} ms a question`;
    return took < SLOW ? ok(text) : warning(text, 'a store nearer to this host, or a faster network');
  } catch (error) {
    if (error instanceof LoginError)
      return failed(error.message, error.hint ?? 'correct user and password in `store:` or DFLOW_STORE');
    if (!(error instanceof StoreError)) throw error;
    return failed(error.message, error.hint ?? 'start the store, or correct `store:` in dflow.yaml');
  }
}

async function marked({ store, settings }: Patient): Promise<Finding> {
  const { unsafe, experiment, schema, where } = await store.info();
  if (unsafe !== undefined) {
    const fix = 'a database with n=1: another name in `store:`, dflow store setup, dflow store import EXPORT';
    return { ...failed(unsafe, fix), refused: true };
  }
  if (experiment === undefined) return failed(`${where} is not set up for writing`, 'dflow store setup');
  if (experiment !== settings.experiment)
    return failed(
      `the store is that of experiment '${experiment}', the configuration says '${settings.experiment}'`,
      `experiment: ${experiment} in dflow.yaml, or another \`store:\``,
    );
  if ((schema ?? 0) > SCHEMA)
    return failed(`a newer dflow wrote this store (schema ${schema})`, 'install that version');
  return ok(`the one writable store of ${experiment}`);
}

/** A document that only this host has, written and removed: rights are known by use. */
async function mayWrite(patient: Patient): Promise<Finding> {
  const id = rightsId(patient);
  try {
    const doc = { _id: id, kind: 'probe', v: SCHEMA, host: patient.host, at: await patient.store.now() };
    const wrote = await patient.store.update<Doc>(id, (there) => ({ write: { ...there, ...doc } }));
    await patient.store.update(id, () => ({ remove: true }));
    if (wrote.result === 'written' || wrote.result === 'already') return ok('this host may write and remove documents');
    return failed(`a document could not be written: ${wrote.why ?? wrote.result}`, 'dflow store conflicts list');
  } catch (error) {
    if (!(error instanceof ReadOnlyStoreError)) throw error;
    if ((await marked(patient)).outcome === 'failed') return notChecked('nothing was written: store/marked says why');
    return failed(error.message, error.hint ?? 'a user of the database who may write');
  }
}

const rightsId = ({ host }: Patient): string => `probe:doctor:${host}`;
