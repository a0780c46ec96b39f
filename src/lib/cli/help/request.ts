// The file of a request: every key. Made from the schema.
import { requestJsonSchema } from '../config/yaml/schema.ts';
import { keyParts, keysOf } from './keys.ts';
import type { Page } from './page.ts';

const EXAMPLE = `request: tl-july
text: TeLoaded background study, asked for by Anna (mail of 3 July)
version: 7.0.8
modules: [Processing, Analysis40]
runs:
  - 109100-109200
  - 109205, 109207
  - '@more-runs.txt'
priority: high
prerequisite: new`;

export function requestPage(): Page {
  return {
    title: 'request.yaml: a request for new passes, as people mail it',
    parts: [
      {
        text: '`dflow reprocess -f request.yaml` makes the passes that the file asks for; with -n it only says what would be made, and estimates what that takes. `-f -` reads standard input. The flags --run, --module, --version and the like are refused beside -f, because the file says the same. Only --request may name a request whose file has no name. Keep the file: the same command again goes on where a killed one was.',
      },
      { code: EXAMPLE },
      ...keyParts(keysOf(requestJsonSchema())),
    ],
  };
}
