// Looking at a batch of copies at one storage element: there, of the right size, with the right checksum, asked for or
// read now. Nothing is concluded and nothing is recorded here.

import type { Checksum, Stat, Storage } from '../../../storage.ts';
import { parallel } from '../../../util/concurrency.ts';
import { ItemError, messageOf } from '../../../util/errors.ts';
import { have, nth } from '../../../util/values/have.ts';
import type { Subject } from './verifydue.ts';
import type { VerifySession } from './verifysession.ts';

/**
 * - `good`: as registered. `missing`: nothing is there. `differs`: something else is there.
 * - `unknown`: it is there and could not be read; nothing is concluded from that.
 */
export type Finding =
  | { readonly subject: Subject; readonly is: 'good' }
  | { readonly subject: Subject; readonly is: 'missing'; readonly why: string }
  | { readonly subject: Subject; readonly is: 'differs'; readonly why: string; readonly found: Checksum }
  | { readonly subject: Subject; readonly is: 'unknown'; readonly why: string };

/** Findings in the order of `subjects`; `undefined` when the element cannot be reached. Credentials errors are thrown. */
export async function checkBatch(session: VerifySession, storage: string, subjects: readonly Subject[]) {
  session.told.expect(subjects.map((subject) => [checkKey(subject), subject.size]));
  const findings = await session.sites.attempt(storage, (element) => checkAll(session, element, subjects));
  session.told.forget(subjects.map(checkKey));
  return findings;
}

async function checkAll(session: VerifySession, element: Storage, subjects: readonly Subject[]): Promise<Finding[]> {
  const stats = await statAll(
    element,
    subjects.map(({ path }) => path),
  );
  const findings = new Map<Subject, Finding>();
  const one = (subject: Subject) => checkTold(session, element, subject, stats.get(subject.path));
  for await (const finding of parallel(subjects, session.ports.settings.transfer.parallel, one)) {
    findings.set(finding.subject, finding);
  }
  return subjects.map((subject) => have(findings, subject));
}

/** One path that cannot be asked for (a folder in its place) must not hide the others. */
async function statAll(element: Storage, paths: readonly string[]): Promise<Map<string, Stat | string>> {
  try {
    return await element.stat(paths);
  } catch (error) {
    if (!(error instanceof ItemError)) throw error;
    if (paths.length === 1) return new Map([[nth(paths, 0), messageOf(error)]]);
    const half = Math.ceil(paths.length / 2);
    return new Map([...(await statAll(element, paths.slice(0, half))), ...(await statAll(element, paths.slice(half)))]);
  }
}

/** What a check is called where its progress is told. */
const checkKey = ({ storage, path }: Subject): string => JSON.stringify([storage, path]);

function checkTold(session: VerifySession, element: Storage, subject: Subject, stat: Stat | string | undefined) {
  const thing = [checkKey(subject), subject.size, `${subject.name} at ${subject.storage}`] as const;
  return session.told.one(thing, (progress) => checkOne(session, element, subject, stat, progress));
}

async function checkOne(
  { options }: VerifySession,
  element: Storage,
  subject: Subject,
  stat: Stat | string | undefined,
  progress: ((bytes: number) => void) | undefined,
): Promise<Finding> {
  const { path, storage } = subject;
  if (stat === undefined) return { subject, is: 'missing', why: `${path} is not at ${storage}` };
  if (typeof stat === 'string') return { subject, is: 'unknown', why: stat };
  try {
    const found = await (options.read
      ? element.readChecksum(path, { progress })
      : element.checksum(path, { progress }));
    return judged(subject, found);
  } catch (error) {
    if (!(error instanceof ItemError)) throw error;
    const there = (await element.stat([path])).has(path);
    if (!there) return { subject, is: 'missing', why: `${path} is not at ${storage}` };
    return { subject, is: 'unknown', why: messageOf(error) };
  }
}

function judged(subject: Subject, found: Checksum): Finding {
  const { size, adler32, path, storage } = subject;
  if (found.size === size && found.adler32 === adler32) return { subject, is: 'good' };
  const why = `${path} at ${storage} has ${found.size} bytes, adler32 ${found.adler32}; registered: ${size} bytes, ${adler32}`;
  return { subject, is: 'differs', why, found };
}
