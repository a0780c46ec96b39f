// A folder that does not answer, in words.
import { SECOND } from '../time.ts';

/** Milliseconds within which a folder must answer. */
export const ANSWER = 5 * SECOND;

/** In words. */
export const silence = (path: string): string => `${path} does not answer within ${ANSWER / SECOND} s`;

/** What a person does about it. */
export const remount = (path: string): string => `mount it again: umount -l ${path}; mount ${path}`;
