// What a page of the live screen found: a view, or what is behind one of its rows.
import type { JobLog } from '../logs.ts';
import type { Page } from '../show.ts';
import type { ReasonRow } from '../why/all/reason.ts';
import type { WhyReport } from '../why/whyreport.ts';
import type { LiveFound, Some } from './views.ts';

export type Found =
  | LiveFound
  | { readonly view: 'show'; readonly pages: readonly Page[] }
  | { readonly view: 'why'; readonly reports: readonly WhyReport[] }
  | { readonly view: 'reasons'; readonly some: Some<ReasonRow> }
  | { readonly view: 'log'; readonly logs: readonly JobLog[] };
