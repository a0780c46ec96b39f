// dflow.yaml: where it is found, and every key. Made from the schema.
import { jsonSchema } from '../config/yaml/schema.ts';
import { keyParts, keysOf } from './keys.ts';
import type { Page } from './page.ts';

/** Variables that dflow itself reads. */
const VARIABLES: readonly (readonly [string, string])[] = [
  ['DFLOW_CONFIG', 'configuration file, or the folder of dflow.yaml'],
  ['DFLOW_STORE', 'store, instead of the one in dflow.yaml'],
  ['DFLOW_FARM', 'farm of this host'],
  ['DFLOW_VERSION', 'software version of automatic jobs'],
  ['DFLOW_HOST', 'name of this host in the store'],
  ['DFLOW_CREDENTIALS', 'file with the logins of the store and of the mail server'],
  ['DFLOW_COUCH_USER', 'login name for CouchDB'],
  ['DFLOW_COUCH_PASSWORD', 'password for CouchDB'],
  ['NO_COLOR', 'any value: no colours'],
];

const EXAMPLE = `buffer: {path: ./raw, pattern: 'run{run:3}.txt'}
storage: {disk: ./store}`;

export function configurationPage(): Page {
  return {
    title: 'dflow.yaml: every key with its meaning, default and an example',
    parts: [
      {
        text: 'One file in YAML, the same on all hosts. dflow finds it by --config, by $DFLOW_CONFIG, or upward from the working folder. Paths in it count from its own folder. `dflow config check` finds mistakes, `dflow config show --origin` shows which value is valid here, and where it was written. These two lines are enough:',
      },
      { code: EXAMPLE },
      {
        text: 'In the paths below NAME stands for a name that you choose. Durations are written as 90 s, 10 min, 12 h or 2 d, shares as 10% or 0.1, sizes as 500 MB or 2 GB.',
      },
      ...keyParts(keysOf(jsonSchema())),
      { heading: 'Environment variables' },
      { words: VARIABLES },
    ],
  };
}
