// Files with other content than is registered, and what somebody must look at after one was accepted or a copy finished.
import { refOf } from '../../../domain/ids.ts';
import { remedy } from '../../../domain/runs/remedy.ts';
import type { QuarantineDoc } from '../../../domain/runs/run.ts';
import { idsWith } from '../../../store.ts';
import { groupBy } from '../../../util/values/group.ts';
import { NOTICES, type NoticeDoc, noticeNext, openNotices } from '../../jobs/notices.ts';
import type { ReadPorts } from '../../ports.ts';
import { many } from './counts.ts';
import type { Attention, StatusPage } from './page.ts';

export async function versionAttention(
  ports: ReadPorts,
  page: Promise<Pick<StatusPage, 'quarantined'>>,
): Promise<Attention[]> {
  const [notices, { quarantined }] = await Promise.all([openNotices(ports), page]);
  return [
    ...(quarantined['new-version'] ? await versions(ports) : []),
    ...[...groupBy(notices, ({ what }) => what).values()].flatMap(firstOf),
  ];
}

/** The first notice of one kind, and how many more there are. */
function firstOf(notices: readonly NoticeDoc[]): Attention[] {
  const [doc] = notices;
  if (!doc) return [];
  if (doc.what === 'stale-tables' && notices.length > 1) {
    const count = notices.length < NOTICES ? notices.length : `${NOTICES} or more`;
    const text = `${count} passes were made with run tables that have changed since: ${refOf(doc.run)}/${doc.name} and others`;
    return [{ way: doc.what, text, next: 'dflow list jobs --stale-tables' }];
  }
  const more = notices.length > 1 ? ` (and ${notices.length - 1} more)` : '';
  return [{ way: doc.what, text: `${doc.text}${more}`, next: noticeNext(doc) }];
}

async function versions({ store }: ReadPorts): Promise<Attention[]> {
  const docs = await store.range<QuarantineDoc>(idsWith('quarantine:'));
  const found = docs.filter(({ reason }) => reason === 'new-version');
  const [first] = found;
  if (!first) return [];
  const text = `${many(found.length, 'file has', 'files have')} other content than was registered: ${first.name}`;
  return [{ way: 'new-version', text, next: remedy(first) }];
}
