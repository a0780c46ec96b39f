// What a user of the store may do. A site claims and reports, an operator also decides, a reader only looks.
import { shellWord } from '../util/text/shell.ts';

/** The weakest first. */
export const ROLES = ['reader', 'site', 'operator'] as const;

export type Role = (typeof ROLES)[number];

/** What an admin of the server types to give a user a role. */
export const grantLine = (user: string, role: string): string =>
  `dflow ${['store grant', shellWord(user), '--role', role].join(' ')}`;
