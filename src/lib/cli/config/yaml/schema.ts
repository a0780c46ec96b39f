// The shape of dflow.yaml and of a module file: what may be written, before defaults. The JSON Schema for editors is
// made from this file.
import * as z from 'zod/mini';
import { MODULE_LEVELS } from '../../../domain/modules/modules.ts';
import { TROUBLES } from '../../../domain/notify/problem.ts';
import {
  anyText,
  count,
  duration,
  factor,
  memory,
  name,
  oneOrMany,
  positive,
  rate,
  runRange,
  share,
  text,
} from './values.ts';

const optional = z.optional;
const env = z.record(text, anyText);
const options = z.record(z.string(), z.unknown());

const buffer = z.strictObject({
  path: text,
  pattern: text,
  level: optional(name),
  closed: optional(z.enum(['marker', 'settled'])),
  settle: optional(duration),
  ignore: optional(oneOrMany(text)),
  keep: optional(share),
  format: optional(z.enum(['zdab'])),
});

const storage = z.strictObject({
  protocol: optional(name),
  url: text,
  tape: optional(z.boolean()),
  template: optional(text),
  options: optional(options),
});

const farm = z.strictObject({
  backend: optional(name),
  slots: optional(positive),
  pending: optional(count),
  output: optional(name),
  failover: optional(oneOrMany(name)),
  reads: optional(oneOrMany(name)),
  setup: optional(z.record(text, anyText)),
  versions: optional(oneOrMany(text)),
  env: optional(env),
  options: optional(options),
});

const output = z.strictObject({
  module: optional(name),
  type: optional(name),
  to: oneOrMany(name),
  keep: optional(z.boolean()),
});

const rule = z.strictObject({
  cause: name,
  exit: optional(oneOrMany(count)),
  signal: optional(oneOrMany(count)),
  phase: optional(name),
  text: optional(text),
  action: z.enum(['retry', 'later', 'more', 'fail', 'hold']),
  of: optional(z.enum(['memory', 'time'])),
  factor: optional(factor),
  ceiling: optional(text),
  wait: optional(duration),
  tries: optional(positive),
});

const route = z.strictObject({
  module: optional(text),
  version: optional(text),
  runs: optional(oneOrMany(runRange)),
  label: optional(text),
  farm: oneOrMany(name),
});

/** A loop of a host; a name alone (`register`) says what it runs. */
const loop = z.strictObject({
  run: optional(z.union([text, z.array(text)])),
  every: optional(duration),
  jitter: optional(share),
  exclusive: optional(name),
  on: optional(z.boolean()),
});

const host = z.strictObject({
  farm: optional(name),
  loops: optional(z.union([z.array(name), z.record(name, z.nullable(loop))])),
});

const notifyRule = z.strictObject({
  on: oneOrMany(z.enum([...TROUBLES, 'all'])),
  runs: optional(oneOrMany(runRange)),
  modules: optional(oneOrMany(text)),
  farms: optional(oneOrMany(text)),
  mail: optional(oneOrMany(text)),
  command: optional(text),
  quiet: optional(text),
  urgent: optional(oneOrMany(z.enum(TROUBLES))),
  every: optional(duration),
  repeat: optional(duration),
  days: optional(positive),
});

const smtp = z.strictObject({
  host: text,
  port: optional(positive),
  from: optional(text),
  user: optional(text),
  tls: optional(z.enum(['tls', 'starttls', 'none'])),
  timeout: optional(duration),
});

/** dflow.yaml */
export const configSchema = z.strictObject({
  experiment: optional(name),
  store: optional(text),
  buffer: oneOrMany(buffer),
  storage: z.record(name, z.union([text, storage])),
  copies: optional(z.strictObject({ raw: optional(positive), purgeAfter: optional(positive) })),
  runs: optional(
    z.strictObject({
      quiet: optional(duration),
      maxJump: optional(positive),
      first: optional(count),
      last: optional(count),
      late: optional(z.enum(['show', 'pass'])),
      endMarker: optional(text),
      types: optional(z.array(text)),
      calibration: optional(z.array(text)),
    }),
  ),
  tables: optional(z.strictObject({ required: optional(oneOrMany(name)), command: optional(text) })),
  transfer: optional(
    z.strictObject({
      parallel: optional(positive),
      perStorage: optional(positive),
      bandwidth: optional(rate),
      lease: optional(duration),
      retry: optional(duration),
    }),
  ),
  purge: optional(
    z.strictObject({
      untilFree: optional(share),
      reads: optional(positive),
      sampledAfter: optional(duration),
      trash: optional(duration),
    }),
  ),
  verify: optional(z.strictObject({ fault: optional(share) })),
  breaker: optional(z.strictObject({ failures: optional(positive), aside: optional(duration) })),
  outputs: optional(z.array(output)),
  farms: optional(z.record(name, farm)),
  hosts: optional(z.record(text, host)),
  automatic: optional(
    z.strictObject({
      version: optional(text),
      level: optional(name),
      from: optional(count),
      share: optional(share),
    }),
  ),
  routing: optional(z.array(route)),
  policy: optional(z.array(rule)),
  siteFault: optional(
    z.strictObject({
      share: optional(share),
      minimum: optional(positive),
      window: optional(duration),
      hold: optional(duration),
    }),
  ),
  notify: optional(z.record(name, notifyRule)),
  smtp: optional(smtp),
  efficiency: optional(
    z.strictObject({
      hours: optional(positive),
      low: optional(share),
      meanHours: optional(positive),
      mean: optional(share),
    }),
  ),
  limits: optional(
    z.strictObject({
      grace: optional(duration),
      submitting: optional(duration),
      giveUp: optional(duration),
      stale: optional(duration),
      vanish: optional(share),
    }),
  ),
  credentials: optional(
    z.strictObject({
      check: optional(text),
      token: optional(text),
      renew: optional(text),
      warn: optional(duration),
    }),
  ),
});

const moduleDef = z.strictObject({
  run: optional(text),
  macro: optional(text),
  parameters: optional(z.record(text, anyText)),
  outputs: optional(z.record(text, text)),
  other_suffix: optional(oneOrMany(text)),
  needs: optional(oneOrMany(name)),
  level: optional(z.enum(MODULE_LEVELS)),
  raw: optional(z.boolean()),
  inputs: optional(z.enum(['stream', 'download', 'open'])),
  files: optional(oneOrMany(text)),
  time: optional(duration),
  cpus: optional(positive),
  memory: optional(memory),
  tries: optional(positive),
  env: optional(env),
  policy: optional(z.array(rule)),
});

/** modules/VERSION.yaml */
export const moduleSchema = z.strictObject({
  modules: z.record(name, moduleDef),
  runTypes: optional(z.record(text, oneOrMany(name))),
});

export type RawConfig = z.infer<typeof configSchema>;
export type RawModules = z.infer<typeof moduleSchema>;

/** JSON Schema of dflow.yaml, for editors. */
export function jsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  return { ...schema, title: 'dflow.yaml', description: 'Configuration of dflow: one file, shared by all hosts.' };
}
