// dflow flow: the picture as a model, for the whole chain and for one run; and how it is drawn in any number of columns.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import chalk from 'chalk';
import { afterEach, describe, expect, test } from 'vitest';
import { flow } from '../../../src/lib/flow/reports/flow/flow.ts';
import { boxesOf, FLOW_BOXES, type FlowPicture, TITLES } from '../../../src/lib/flow/reports/flow/picture.ts';
import { runFlow } from '../../../src/lib/flow/reports/flow/runflow.ts';
import { placed } from '../../../src/lib/flow/reports/flow/stands.ts';
import { flowSvg } from '../../../src/lib/render/flow/svg.ts';
import { flowText } from '../../../src/lib/render/flow/terminal.ts';
import { widthOf } from '../../../src/lib/render/wrap.ts';
import { addPass, DAY, runIn, setSubjob, standingWorld, type World } from '../../support/standing.ts';

const worlds: World[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.remove();
});

async function made(...args: Parameters<typeof standingWorld>): Promise<World> {
  const world = await standingWorld(...args);
  worlds.push(world);
  return world;
}

const box = ({ boxes }: FlowPicture, id: string) => boxes.find((one) => one.id === id)!;
const count = (picture: FlowPicture, id: string, name: string) =>
  box(picture, id).facts.find((fact) => fact.name === name)?.count;

const FAILURE = { cause: 'memory', reason: 'killed', site: 'here' };

test('the chain: counts in their boxes, and what failed in the box of its pass with a command', async () => {
  const world = await made({ automatic: '' });
  const healthy = await flow(world);
  expect(healthy.boxes.map(({ id }) => id)).toEqual([...FLOW_BOXES]);
  expect(count(healthy, 'detector', 'runs complete')).toBe(1);
  expect(count(healthy, 'elements', 'a *')).toBe(1);
  expect(count(healthy, 'elements', 'b')).toBe(1);
  expect(count(healthy, 'queue', 'ready')).toBe(1);
  expect(box(healthy, 'second')).toMatchObject({ about: 'Count', stands: [] });
  expect(box(healthy, 'elements').rates).toEqual([{ count: 2, of: 'copies', per: 'day' }]);
  await addPass(world, 'Plot', {});
  await setSubjob(world, { name: 'failed', since: world.ago(0), failure: FAILURE }, {}, 'Plot');
  const third = await flow(world);
  expect(count(third, 'third', 'failed')).toBe(1);
  expect(box(third, 'third').stands).toEqual([{ text: '1 pass failed: memory', next: 'dflow why --all' }]);
  await setSubjob(world, { name: 'failed', since: world.ago(0), failure: FAILURE });
  const both = await flow(world);
  expect(['second', 'third'].map((id) => box(both, id).stands.length)).toEqual([1, 1]);
  // Said once, though it stands in two boxes.
  expect(flowText(both).match(/2 passes failed/g)).toHaveLength(1);
});

test('counts come from views: no document of a run, of its files or of a pass is listed', async () => {
  const world = await made({});
  const ranges: string[] = [];
  const store = new Proxy(world.store, {
    get: (target, name) => {
      const own = Reflect.get(target, name, target);
      if (name !== 'range') return typeof own === 'function' ? own.bind(target) : own;
      return (range: { start: string }) => {
        ranges.push(range.start);
        return target.range(range as never);
      };
    },
  });
  await flow({ ...world, store });
  expect(ranges.length).toBeGreaterThan(0);
  expect(ranges.filter((start) => /^(run|data|job):/.test(start))).toEqual([]);
});

test('one run: where its files and passes are, and what its passes wait for', async () => {
  const world = await made({});
  const picture = await runFlow(world, 1);
  expect(picture.run).toBe(1);
  expect(box(picture, 'elements').facts).toEqual([
    { name: 'a', count: 1, note: 'of 1', look: 'good' },
    { name: 'b', count: 1, note: 'of 1', look: 'good' },
  ]);
  expect(count(picture, 'queue', 'ready')).toBe(1);
  expect(box(picture, 'second').facts).toEqual([{ name: 'Count/1', note: 'waiting' }]);
  await setSubjob(world, { name: 'failed', since: world.ago(0), failure: FAILURE });
  const failed = box(await runFlow(world, 1), 'second');
  expect(failed.facts).toEqual([{ name: 'Count/1', note: 'failed', look: 'bad' }]);
  expect(failed.stands[0]?.text).toContain('memory');
  expect(failed.stands[0]?.next).toContain('dflow retry 1/Count/1');
});

test('the SVG replaces a file; a run that nobody knows, and more than one run, are refused', async () => {
  const world = await made({});
  await expect(runFlow(world, 7)).rejects.toMatchObject({ message: 'run 7 is not in the catalogue', exit: 2 });
  const file = join(world.folder, 'flow.svg');
  await runIn(world, ['flow', '--svg', '--out', file]);
  expect(readFileSync(file, 'utf8')).toMatch(/^<svg .*<\/svg>\n$/s);
  await expect(runIn(world, ['flow', '--run', '1-2'])).rejects.toMatchObject({ exit: 2 });
  expect(JSON.parse((await runIn(world, ['flow', '--run', '1', '--json'])).out)).toMatchObject({
    kind: 'flow',
    run: 1,
  });
});

test('a silent farm, an old hold and a loop that never ran stand in their boxes', async () => {
  const holds = (id: string) => ({ 'hold:x': 'calibration', 'hold:d': 'drain' })[id];
  const line = (way: string, text: string, next: string) => ({ way, text, next });
  const found = placed(
    [
      line('hold', 'later runs are held: ECA', 'dflow resume hold:x'),
      line('hold', 'farm cedar drained', 'dflow resume hold:d'),
      line('farm-silent', 'cedar: no heartbeat', 'dflow why cedar'),
      line('loop-never', '3 copies are missing; transfer has never run', 'dflow transfer'),
      line('loop-silent', 'buffer1: register has not run for 2h', 'on buffer1: dflow screens start'),
      line('something-new', 'words', 'dflow why --all'),
    ],
    holds,
    [],
  );
  expect(found.map((one) => one.box)).toEqual(['enqueue', 'farms', 'farms', 'elements', 'detector', 'queue']);
});

describe('drawn', () => {
  const fact = { name: 'a storage element with a long name', count: 1_234_567, note: '12 to go, 3 bad' };
  const picture: FlowPicture = {
    experiment: 'test',
    at: new Date(7 * DAY).toISOString(),
    boxes: boxesOf(
      {
        detector: { facts: [{ name: 'runs open', count: 2 }], rates: [{ bytes: 2.1e12, per: 'day' }] },
        elements: { facts: [fact] },
        farms: {
          facts: Array.from({ length: 4 }, (_, at) => ({ name: `farm${at} (slurm)`, count: at, note: 'of 200 slots' })),
        },
        second: {
          about: 'Processing, Reconstruction, Calibration, Monitoring',
          facts: [{ name: 'failed', count: 3, look: 'bad' }],
        },
      },
      [{ box: 'second', text: '3 passes failed: memory, time', next: 'dflow why --all; dflow retry --cause memory' }],
    ),
  };

  test.each([200, 120, 80, 60, 40, 30])('in %i columns no line is wider, and every box is there', (columns) => {
    for (const ascii of [false, true]) {
      const text = flowText(picture, { columns, ascii });
      const [head = '', ...lines] = text.split('\n');
      expect(head).toContain('test');
      const drawn = lines.slice(0, lines.indexOf(''));
      for (const line of drawn) expect(widthOf(line)).toBeLessThanOrEqual(columns);
      const titles = text.replaceAll('...', '');
      for (const title of Object.values(TITLES)) expect(titles).toContain(title.slice(0, 9));
      // A command is never broken: it is copied.
      expect(lines.map((line) => line.trim())).toContain('dflow retry --cause memory');
    }
  });

  test('without UTF-8 there is only ASCII; without colour a mark says where it stands still', () => {
    const level = chalk.level;
    chalk.level = 0;
    const text = flowText(picture, { columns: 80, ascii: true });
    chalk.level = level;
    expect(text).toMatch(/^[\x20-\x7e\n]+$/);
    expect(text).toContain('! SECOND PASS');
    expect(text).toContain('2.1 TB a day');
  });

  test('as SVG: well formed, every box, no text of others as markup, nothing from elsewhere', () => {
    const evil = { ...picture, experiment: '<script>alert("x")</script>' };
    for (const options of [{}, { columns: 2 }, { bare: true }]) {
      const svg = flowSvg(evil, options);
      expect(svg).not.toContain('<script');
      expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|href/);
      for (const title of Object.values(TITLES)) expect(svg).toContain(title);
      const tags = [...svg.matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g)].filter((tag) => tag[3] === '');
      const opened = tags.filter((tag) => tag[1] === '').map((tag) => tag[2]);
      expect(opened.length * 2).toBe(tags.length);
      expect(svg.match(/class="still"/g)).toHaveLength(1);
    }
    expect(flowSvg(picture)).toContain('dflow retry --cause memory');
  });

  test('a name from outside cannot write on the terminal', () => {
    const evil = { ...picture, boxes: picture.boxes.map((one) => ({ ...one, about: '\x1b[2J\u202e' })) };
    const text = flowText(evil, { columns: 80 });
    expect(['\x1b[2J', '\u202e'].filter((bad) => text.includes(bad))).toEqual([]);
  });
});
