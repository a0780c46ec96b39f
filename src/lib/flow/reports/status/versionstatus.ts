// Files with other content than is registered, and what somebody must look at after one was accepted or a copy finished.
import { remedy } from '../../../domain/runs/remedy.ts';
import type { QuarantineDoc } from '../../../domain/runs/run.ts';
import { idsWith } from '../../../store.ts';
import { noticeNext, openNotices } from '../../jobs/notices.ts';
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
    ...notices.slice(0, 1).map((doc) => {
      const more = notices.length > 1 ? ` (and ${notices.length - 1} more)` : '';
      return { way: doc.what, text: `${doc.text}${more}`, next: noticeNext(doc) };
    }),
  ];
}

async function versions({ store }: ReadPorts): Promise<Attention[]> {
  const docs = await store.range<QuarantineDoc>(idsWith('quarantine:'));
  const found = docs.filter(({ reason }) => reason === 'new-version');
  const [first] = found;
  if (!first) return [];
  const text = `${many(found.length, 'file has', 'files have')} other content than was registered: ${first.name}`;
  return [{ way: 'new-version', text, next: remedy(first) }];
}
