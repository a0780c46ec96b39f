// What a job file says about storage elements that are not mounted, and what jobs read and write when a farm does not say.
// Nothing runs and no server is asked.
import { describe, expect, test } from 'vitest';
import type { StorageSettings } from '../../src/lib/domain/settings.ts';
import { jobSpec, type SpecContext } from '../../src/lib/flow/jobs/spec.ts';
import { open as openGfal } from '../../src/lib/protocols/gfal/gfal.ts';
import { open as openXrootd } from '../../src/lib/protocols/xrootd/xrootd.ts';
import { type JobSpec, renderSpec } from '../../src/lib/wrapper/spec.ts';
import { dataDoc, farm, job, module, rawFile } from '../support/docs.ts';
import { type Config, smallSettings } from '../support/settings.ts';

const base: JobSpec = {
  key: 'k.0',
  ref: 'test',
  setup: '',
  command: 'true',
  inputs: [],
  files: [],
  outputs: [{ type: 'out', name: 'out.txt' }],
  env: {},
  limit: 0,
  destinations: [{ storage: 'disk', protocol: 'posix', folder: '/se/x', path: 'x' }],
  cpus: 1,
};

describe('renderSpec', () => {
  const remote = 'fetch_remote() {';

  test('staging through the network comes along only where it is needed', () => {
    const url = { source: 'root://h//f', name: 'f' };
    const far = { storage: 'sfu', protocol: 'xrootd', folder: 'root://h//x', path: 'x' };
    expect(renderSpec(base)).not.toContain(remote);
    expect(renderSpec({ ...base, inputs: [{ source: '/f', name: 'f', copy: true }] })).not.toContain(remote);
    expect(renderSpec({ ...base, inputs: [{ ...url, copy: false }] })).not.toContain(remote);
    expect(renderSpec({ ...base, inputs: [{ ...url, copy: true, protocol: 'xrootd' }] })).toContain(remote);
    const text = renderSpec({ ...base, destinations: [...base.destinations, far] });
    expect(text).toContain(remote);
    expect(text.endsWith('\ncomplete=yes\n')).toBe(true);
  });

  test('an input carries what the catalogue knows of it', () => {
    const input = { source: "root://h//o'f", name: 'f', copy: true, protocol: 'xrootd', size: 7, adler32: '0a0b0c0d' };
    expect(renderSpec({ ...base, inputs: [input] })).toContain(
      `"$1" 'root://h//o'\\''f' 'f' 'copy' 'xrootd' '7' '0a0b0c0d'\n`,
    );
    expect(renderSpec({ ...base, inputs: [{ source: '/f', name: 'f', copy: false }] })).toContain(
      `"$1" '/f' 'f' 'stream' '' '' ''\n`,
    );
    expect(() => renderSpec({ ...base, inputs: [{ ...input, adler32: '$(id)' }] })).toThrow(/checksum/);
    expect(() => renderSpec({ ...base, inputs: [{ ...input, protocol: 'a b' }] })).toThrow(/protocol/);
  });

  test('a job file has the functions of the protocols that it stages by, and no others', () => {
    const far = { storage: 'sfu', protocol: 'near', folder: 'near://h/x', path: 'x', option: '--slow' };
    const protocols = { near: 'fetch() { :; }', other: 'fetch() { false; }' };
    const text = renderSpec({ ...base, destinations: [far], protocols });
    expect(text).toContain(`"$1" 'sfu' 'near' 'near://h/x' 'x' '--slow'\n`);
    expect(text).toContain('use_near() {\nfetch() { :; }\n}\n');
    expect(text).not.toContain('use_other');
    expect(() => renderSpec({ ...base, destinations: [{ ...far, protocol: 'a-b' }] })).toThrow(/protocol/);
  });
});

const storage = (name: string, url: string, options = {}): StorageSettings =>
  smallSettings({ storage: { [name]: { url, options, template: '{name}' } } }).storages[0]!;

describe('jobSpec', () => {
  const sfu = storage('sfu', 'root://me:hunter2@sfu.ca:1094//sno plus?authz=hunter2', { posc: false });
  const ral = storage('ral', 'davs://me:hunter2@ral.uk/sno plus');

  async function specOf(settings: StorageSettings, inputs: 'stream' | 'download' | 'open'): Promise<JobSpec> {
    const opened = await (settings.protocol === 'gfal' ? openGfal : openXrootd)(settings);
    const file = { ...rawFile(1, 0, [settings.name]), size: 17, adler32: '0000abcd' };
    const data = dataDoc(1, [file]);
    const doc = job({ run: 1, data });
    const context: SpecContext = {
      farm: { ...farm(), reads: [settings.name], output: [settings.name] },
      module: module('Count', { inputs }),
      data,
      prerequisites: new Map(),
      storages: new Map([[settings.name, opened]]),
      storageSettings: [settings],
      types: [],
      experiment: 'x',
    };
    return jobSpec(doc, doc.subjobs[0]!, 'k.0', context);
  }

  test.each([
    [sfu, 'root://sfu.ca:1094//sno plus/L1/run1_0.dat', 'root://sfu.ca:1094//sno plus/outputs/'],
    [ral, 'davs://ral.uk/sno%20plus/L1/run1_0.dat', 'davs://ral.uk/sno%20plus/outputs/'],
  ])('addresses as the tools of $protocol take them, without secrets', async (settings, source, folder) => {
    const spec = await specOf(settings, 'stream');
    const { protocol } = settings;
    expect(spec.inputs).toEqual([
      { source, name: 'run1_0.dat', copy: true, protocol, storage: settings.name, size: 17, adler32: '0000abcd' },
    ]);
    expect(spec.destinations[0]).toMatchObject({ protocol, folder: expect.stringContaining(folder) });
    expect(spec.destinations[0]!.option).toBeUndefined();
    expect(spec.protocols![protocol]).toMatch(/^fetch\(\) \{/m);
    const { posc: _, ...options } = settings.options;
    const kept = await specOf({ ...settings, options }, 'stream');
    expect(kept.destinations[0]!.option).toBe(protocol === 'xrootd' ? '--posc' : undefined);
    expect(renderSpec(spec)).not.toContain('hunter2');
  });

  test('a module that opens its inputs itself is given their addresses', async () => {
    expect((await specOf(sfu, 'open')).inputs[0]!.copy).toBe(false);
    expect((await specOf(sfu, 'download')).inputs[0]!.copy).toBe(true);
  });
});

describe('a farm that names no storage', () => {
  const farmOf = (storage: Config['storage']) => {
    const { output, reads } = smallSettings({ storage }).farms[0]!;
    return { output, reads };
  };
  const root = { protocol: 'xrootd', url: 'root://h//x' };

  test('writes to the first storage and reads all, mounted ones first', () => {
    expect(farmOf({ sfu: root, disk: '/d' })).toEqual({ output: ['sfu'], reads: ['disk', 'sfu'] });
    expect(farmOf({ sfu: root })).toEqual({ output: ['sfu'], reads: ['sfu'] });
  });

  test('touches tape only where there is nothing else', () => {
    expect(farmOf({ ral: { ...root, tape: true }, disk: '/d' })).toEqual({ output: ['disk'], reads: ['disk'] });
    expect(farmOf({ ral: { ...root, tape: true } })).toEqual({ output: ['ral'], reads: ['ral'] });
  });
});
