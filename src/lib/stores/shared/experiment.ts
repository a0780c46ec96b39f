// A store belongs to one experiment: names of files in the catalogue and ids of jobs follow from it. What is refused so
// that no other experiment writes into it, and no copy becomes a second writable store.
import { SCHEMA } from '../../domain/doc.ts';
import { ReadOnlyStoreError, UsageError } from '../../util/errors.ts';
import { counted } from '../../util/text/counted.ts';

/** What setup writes into the one writable store of an experiment. */
export interface Marker {
  readonly experiment: string;
  readonly uuid: string;
  readonly schema: number;
}

/** A configuration with another `experiment:` than the store's. */
export function otherExperiment(where: string, has: string, asked: string): UsageError {
  return new UsageError(`this store belongs to the experiment '${has}', not '${asked}'`, {
    where,
    hint: `in dflow.yaml: experiment: ${has}; or another \`store:\``,
  });
}

/**
 * Setting up a store that holds documents makes a second writable one, where it is a replica or a copy.
 * @throws ReadOnlyStoreError, unless `force` names the experiment; UsageError where it names another one
 */
export function assertSetupMeant(
  where: string,
  documents: number,
  experiment: string,
  force?: string,
  replicaOf?: string,
): void {
  if (force !== undefined && force !== experiment) {
    throw new UsageError(`--force names '${force}', and the experiment is '${experiment}'`, { where });
  }
  if (force !== undefined || (documents === 0 && replicaOf === undefined)) return;
  const what = replicaOf === undefined ? 'has no mark of dflow: a replica, or a copy' : `is a replica of ${replicaOf}`;
  throw new ReadOnlyStoreError(`this store holds ${counted(documents, 'document')} and ${what}`, {
    where,
    hint: `use the writable store; only where that one is lost for good: dflow store setup --force ${experiment}`,
  });
}

/** A change on a store that was opened for reading, or has no mark. */
export function openedForReading(where: string): ReadOnlyStoreError {
  return new ReadOnlyStoreError('the store was opened for reading, or is not set up', {
    where,
    hint: 'dflow store setup',
  });
}

/** @throws ReadOnlyStoreError for a replica or a newer store; UsageError for another experiment's */
export function assertWritable(where: string, marker: Marker | undefined, experiment: string | undefined): void {
  if (!marker) {
    throw new ReadOnlyStoreError('this store is not the writable one of an experiment: a replica, or not set up', {
      where,
      hint: 'use the writable store, or for a new one: dflow store setup',
    });
  }
  if (experiment !== undefined && marker.experiment !== experiment) {
    throw otherExperiment(where, marker.experiment, experiment);
  }
  if (marker.schema > SCHEMA) {
    throw new ReadOnlyStoreError(`the store is newer (schema ${marker.schema}) than this dflow (${SCHEMA})`, {
      where,
      hint: 'npm install -g dflow',
    });
  }
}
