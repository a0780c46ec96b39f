// The shape of dflow.yaml and of a module file: what may be written, before defaults, and what each key means. The JSON
// Schema for editors, `dflow help configuration` and the man pages are made from this file.
import * as z from 'zod/mini';
import { catalogue } from './schema/catalogue.ts';
import { breaker, buffer, copies, efficiency, output, purge, runs, storage, transfer, verify } from './schema/data.ts';
import { host, notifyRule, smtp } from './schema/hosts.ts';
import { automatic, credentials, farm, limits, route, rule, siteFault } from './schema/jobs.ts';
import { key, named, needed, section } from './schema/key.ts';
import { moduleDef } from './schema/modules.ts';
import { requestSchema } from './schema/request.ts';
import { tables } from './schema/tables.ts';
import { name, oneOrMany, text } from './values.ts';

/** dflow.yaml */
export const configSchema = z.strictObject({
  experiment: key(name, 'Name of the experiment. The store keeps the name, and refuses every other experiment.', {
    example: 'snoplus',
    without: 'the name of the folder of dflow.yaml',
  }),
  store: key(text, 'Document store: a file of SQLite, or a database of CouchDB or PostgreSQL.', {
    example: 'https://couch.example.org/dflow',
    default: 'sqlite:./dflow.db',
  }),
  buffer: needed(
    oneOrMany(buffer),
    'Folder in which the detector writes raw files; a list where there are several levels.',
    "{path: ./raw, pattern: 'run{run:3}.txt'}",
  ),
  storage: needed(
    z.record(name, z.union([text, storage])),
    'Storage elements by name, in order: the first is the primary. A text alone is the url.',
    '{disk: ./store, ral: root://se.example.org//snoplus}',
  ),
  copies,
  runs,
  tables,
  transfer,
  purge,
  verify,
  breaker,
  catalogue,
  outputs: section(
    z.array(output),
    'Rules that copy or move outputs of completed passes; every rule that matches counts.',
  ),
  farms: section(z.record(name, farm), 'Places that run jobs, by name. Without one, jobs run on this host.'),
  hosts: section(
    z.record(text, host),
    'Hosts that run the steps, by name; * matches any text. The first that matches counts.',
  ),
  automatic,
  routing: section(z.array(route), 'Which jobs go to which farm; the first rule that matches decides.'),
  policy: section(
    z.array(rule),
    'What follows when a job fails; the first rule that matches decides, then come the built-in ones.',
  ),
  siteFault,
  notify: section(z.record(name, notifyRule), 'Who is told of what, by the name of the rule.'),
  smtp: section(smtp, 'Mail server of notify.'),
  efficiency,
  limits,
  credentials,
});

/** modules/VERSION.yaml */
export const moduleSchema = z.strictObject({
  modules: needed(
    z.record(name, moduleDef),
    'Modules of this software version, by name.',
    '{Count: {run: wc -c "$@" > "$OUT_counts", outputs: {counts: counts.txt}}}',
  ),
  runTypes: key(
    z.record(text, oneOrMany(name)),
    'Modules that are made for each run type; any is every run. What they need is made, too.',
    { example: '{physics: [Analysis40], any: DQ}', without: 'jobs are made only by dflow reprocess' },
  ),
});

export type RawConfig = z.infer<typeof configSchema>;
export type RawModules = z.infer<typeof moduleSchema>;

/** JSON Schema of dflow.yaml, for editors. */
export function jsonSchema(): Record<string, unknown> {
  return {
    ...named(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' })),
    title: 'dflow.yaml',
    description: 'Configuration of dflow: one file, shared by all hosts.',
  };
}

/** The same of a module file. */
export function moduleJsonSchema(): Record<string, unknown> {
  return {
    ...named(z.toJSONSchema(moduleSchema, { io: 'input', unrepresentable: 'any' })),
    title: 'modules/VERSION.yaml',
    description: 'Modules of one software version.',
  };
}

/** The same of a request file. */
export function requestJsonSchema(): Record<string, unknown> {
  return {
    ...named(z.toJSONSchema(requestSchema, { io: 'input', unrepresentable: 'any' })),
    title: 'request.yaml',
    description: 'A request for new passes, for dflow reprocess --file.',
  };
}
