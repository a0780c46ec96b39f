// A request on a terminal: its content, its progress, and what it used.
import chalk from 'chalk';
import type { RequestPage } from '../../flow/reports/request/page.ts';
import { humanSize } from '../human.ts';
import { hours } from '../report/numbers.ts';
import {
  donePercent,
  estimateText,
  leftText,
  progressParts,
  rateText,
  runsText,
  useText,
} from '../report/requestwords.ts';
import { stateColour } from '../states.ts';
import { facts, headLine, nextLines, partText, text } from './parts.ts';

export function requestText(page: RequestPage, width: number): string {
  const { progress, use, failures } = page;
  const word = stateColour(progress.state === 'done' ? 'ok' : progress.failed > 0 ? 'failed' : 'waiting');
  return [
    ...headLine(
      [chalk.bold(page.name), page.version, word(progress.state.toUpperCase()), `${donePercent(progress)} %`],
      width,
    ),
    ...facts(
      [
        ['for', page.text ?? ''],
        ['made', `${page.created} by ${page.by}`],
        ['asks for', `${page.modules.join(', ')} of ${runsText(page)}`],
        ['with', withText(page)],
        ['passes', progressParts(progress).join(', ')],
        ['rate', rateText(progress)],
        ['left', leftText(page)],
        ['used', useText(page)],
        ['estimate', estimateText(page)],
      ],
      width,
    ),
    ...partText(
      {
        title: 'MODULES',
        columns: ['module', 'jobs', 'cpu', 'wall', 'lost', 'outputs', 'bytes'].map(text),
        rows: use.modules.map(({ module, jobs, cpu, wall, lost, outputs, bytes }) => ({
          ...{ module, jobs, cpu: hours(cpu), wall: hours(wall), lost: lost > 0 ? hours(lost) : '', outputs },
          bytes: humanSize(bytes),
        })),
      },
      width,
    ),
    ...partText(
      { title: 'FAILURES', columns: [text('cause'), text('subjobs')], rows: failures.map((one) => ({ ...one })) },
      width,
    ),
    ...nextLines([...page.next, `dflow report --request ${page.name} --out ${page.name}.html`]),
  ].join('\n');
}

function withText({ level, tag, priority, labels, prerequisite, after }: RequestPage): string {
  return [
    `level ${level}`,
    `priority ${priority}`,
    ...(tag === undefined ? [] : [`tag ${tag}`]),
    ...(labels.length === 0 ? [] : [`labels ${labels.join(', ')}`]),
    `prerequisite ${prerequisite}`,
    ...(after === undefined ? [] : [`after ${after}`]),
  ].join(', ');
}
