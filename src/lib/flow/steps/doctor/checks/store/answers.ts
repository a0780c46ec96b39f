// The document store: that it answers, and as what; that this host may write it.
import { type Doc, SCHEMA } from '../../../../../domain/doc.ts';
import { LoginError, ReadOnlyStoreError, StoreError } from '../../../../../util/errors.ts';
import { counted } from '../../../../../util/text/counted.ts';
import { SECOND } from '../../../../../util/time.ts';
import { type Check, type Finding, failed, ok, type Patient, warning } from '../../check.ts';

export const check: Check = {
  name: 'store',
  group: 'store',
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
  if (unsafe !== undefined)
    return failed(
      unsafe,
      'a database with n=1: another name in `store:`, dflow store setup, dflow store import EXPORT',
    );
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
    return failed(error.message, error.hint ?? 'a user of the database who may write');
  }
}

const rightsId = ({ host }: Patient): string => `probe:doctor:${host}`;
