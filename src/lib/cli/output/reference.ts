// What bin/generate.js makes documents from, besides the manifest: groups, exit codes, the configuration's schema, the
// transition table.
export { TRANSITIONS } from '../../domain/jobs/states.ts';
export { DID } from '../../domain/results/did.ts';
export { jsonSchema } from '../config/yaml/schema.ts';
export { EXITS, exitsOf, GROUPS } from './help.ts';
