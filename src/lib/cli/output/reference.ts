// What bin/generate.js makes documents from, besides the manifest: groups, exit codes, the configuration's schema, the
// transition table, the checks of doctor.
import chalk from 'chalk';
import type { StatusPage } from '../../flow/reports/status/page.ts';
import { statusText } from '../../render/status.ts';

export { TRANSITIONS } from '../../domain/jobs/states.ts';
export { CHECK_GROUPS } from '../../domain/results/checkitems.ts';
export { DID } from '../../domain/results/did.ts';
export { CHECKS } from '../../flow/steps/doctor/checks.ts';
export { flowSvg } from '../../render/flow/svg.ts';
export { reportPicture } from '../../render/report/picture.ts';
export { jsonSchema, requestJsonSchema } from '../config/yaml/schema.ts';
export { EXIT_CODES, EXITS } from '../help/exitcodes.ts';
export { JSON_RULES } from '../help/json.ts';
export { pageMarkdown } from '../help/page.ts';
export { topicPage } from '../help/topics.ts';
export { exitsOf, GROUPS } from './help.ts';

/** The screen of `dflow status`, in colour and the same on every host. */
export function statusScreen(page: StatusPage, columns = 80): string {
  const before = { level: chalk.level, zone: process.env.TZ };
  chalk.level = 1;
  process.env.TZ = 'UTC';
  try {
    return statusText(page, columns);
  } finally {
    chalk.level = before.level;
    if (before.zone === undefined) delete process.env.TZ;
    else process.env.TZ = before.zone;
  }
}
