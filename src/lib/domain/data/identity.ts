// Names of files in the catalogue: logical file name (LFN) and unique id (GUID). Both are deterministic, so that
// registering twice, or on two machines, gives one identity.
import { createHash } from 'node:crypto';
import { runPad } from '../ids.ts';

/** RFC 9562 namespace of URLs. */
const URL_NAMESPACE = '6ba7b811-9dad-11d1-80b4-00c04fd430c8';

/** UUID version 5 (RFC 9562) of `name` in a namespace, which is itself a UUID. */
export function uuid5(namespace: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name, 'utf8')
    .digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

/** The GUID of a file: its LFN within the namespace of the experiment. */
export function guidOf(experiment: string, lfn: string): string {
  return uuid5(uuid5(URL_NAMESPACE, `dflow:${experiment}`), lfn);
}

/** `/snoplus/raw/L1/0000109134/SNOP_0000109134_002.zdab`. */
export function rawLfn(experiment: string, level: string, run: number, name: string): string {
  return `/${experiment}/raw/${level}/${runPad(run)}/${name}`;
}

/** `/snoplus/output/7.0.8/Analysis40/0000109134/Analysis40_r0000109134_s000_p001.ntuple.root`. */
export function outputLfn(experiment: string, version: string, module: string, run: number, name: string): string {
  return `/${experiment}/output/${version}/${module}/${runPad(run)}/${name}`;
}
