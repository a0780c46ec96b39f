// The worker's side of a storage protocol, by one that is made of cp and cksum: what comes with the job file is used, what
// it says is believed only when both ends have the same checksum, and nothing of a failed try stays.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { folder, run, setUp, spec, tearDown } from '../support/worker.ts';

beforeEach(setUp);
afterEach(tearDown);

const NEAR = `
fetch() { tool $seconds cp -- "\${1#near://}" "$2"; }
send() {
  [ "$3" != full ] || { line='no space' code=1 && return 1; }
  tool $seconds mkdir -p "$(dirname -- "\${2#near://}")" && tool $seconds cp -- "$1" "\${2#near://}"
}
sum() {
  tool $seconds cksum <"\${1#near://}" -- "\${1#near://}" && read -r answer _ <"$work/.dflow-out" && answer=$(printf %x "$answer")
}
drop() { tool $seconds rm -rf -- "\${1#near://}"; }
`;
const at = (name: string): string => `near://${join(folder, name)}`;
const place = (name: string, option = '') => ({ storage: name, protocol: 'near', folder: at(name), path: 'x', option });

test('inputs are fetched, outputs sent, compared and recorded', async () => {
  writeFileSync(join(folder, 'raw'), 'raw|');
  const inputs = [{ source: at('raw'), name: 'in.dat', copy: true, protocol: 'near', size: 4 }];
  const job = spec('cat "$1" > "$OUT_out"', { inputs, destinations: [place('far')], protocols: { near: NEAR } });
  const record = await run(job);
  expect(record).toMatchObject({ phase: 'done', outputs: [{ storage: 'far', size: 4 }] });
  const [execution = ''] = readdirSync(join(folder, 'far'));
  expect(readFileSync(join(folder, 'far', execution, record.outputs[0]!.path.split('/').at(-1)!), 'utf8')).toBe('raw|');
});

test('one that cannot be written to, or whose functions are not there, is left for the next', async () => {
  mkdirSync(join(folder, 'se'), { recursive: true });
  const destinations = [{ ...place('other'), protocol: 'other' }, place('far', 'full'), place('near')];
  const record = await run(spec('echo x > "$OUT_out"', { destinations, protocols: { near: NEAR } }));
  expect(record).toMatchObject({ phase: 'done', outputs: [{ storage: 'near' }] });
  expect(existsSync(join(folder, 'far'))).toBe(false);
});
