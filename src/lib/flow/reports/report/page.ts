// The report as data: what `report --json` yields, and what its pages are drawn from.

import type { RequestState } from '../../../domain/jobs/requests/progress.ts';
import type { Iso } from '../../../util/time.ts';
import type { FlowPicture } from '../flow/picture.ts';
import type { Done } from '../handover/handover.ts';
import type { Attention } from '../status/page.ts';

/** What one day brought. */
export interface ReportDay {
  readonly day: string;
  /** Runs seen for the first time. */
  readonly runs: number;
  /** Bytes registered, by level. */
  readonly registered: Readonly<Record<string, number>>;
  /** Bytes of verified copies made, by storage element. */
  readonly copied: Readonly<Record<string, number>>;
}

/** A storage element: its copies, how well they work, its space. */
export interface ReportElement {
  readonly name: string;
  readonly primary: boolean;
  /** Verified copies, and files still to be copied there. */
  readonly files: number;
  readonly missing: number;
  /** Copies made and failed, by day. */
  readonly days: readonly { readonly day: string; readonly ok: number; readonly failed: number }[];
  /** The same by hour, of the last two days: `2026-07-14T06`. */
  readonly hours: readonly { readonly hour: string; readonly ok: number; readonly failed: number }[];
  /** An alarm: too many copies fail. */
  readonly low?: string;
  /** Bytes, by day, where its server tells. */
  readonly space: readonly { readonly day: string; readonly total: number; readonly free: number }[];
  /** Days until it is full, at the rate of the time shown. */
  readonly daysLeft?: number;
}

/** CPU, wall time and memory of the completed jobs of one module and version. */
export interface ReportModule {
  readonly module: string;
  readonly version: string;
  /** Since the start of the year that is counted. */
  readonly jobs: number;
  /** Seconds. */
  readonly cpu: number;
  readonly wall: number;
  /** Bytes that half of the jobs, 95 of 100 and the largest took at most, of all times. */
  readonly memory?: { readonly half: number; readonly most: number; readonly largest: number };
  /** By day since the start of the year. */
  readonly days: readonly { readonly day: string; readonly cpu: number; readonly wall: number }[];
}

export interface ReportRequest {
  readonly name: string;
  readonly version: string;
  readonly created: Iso;
  readonly passes: number;
  readonly completed: number;
  readonly failed: number;
  /** `ended`: what is left was canceled or deleted. */
  readonly state: RequestState;
  /** When it ends at its present rate. */
  readonly expected?: Iso;
}

interface ReportFailure {
  readonly cause: string;
  readonly site: string;
  /** `failed`, `held` until a person acts, `cooling` until it is tried again. */
  readonly how: string;
  readonly subjobs: number;
}

/** The experiment over some time, for people who are not at a terminal. */
export interface ReportPage {
  readonly experiment: string;
  readonly at: Iso;
  /** The first and the last day shown. */
  readonly from: string;
  readonly to: string;
  /** The first day that CPU, wall time and jobs are counted from. */
  readonly yearFrom: string;
  readonly flow: FlowPicture;
  readonly needYou: readonly Attention[];
  readonly days: readonly ReportDay[];
  /** Share of copies below which an element has an alarm. */
  readonly alarm: number;
  readonly elements: readonly ReportElement[];
  /** Passes by state on each day of which something is known. */
  readonly passes: readonly { readonly day: string; readonly states: Readonly<Record<string, number>> }[];
  readonly modules: readonly ReportModule[];
  readonly failures: readonly ReportFailure[];
  readonly requests: readonly ReportRequest[];
  readonly holds: readonly {
    readonly what: string;
    readonly why: string;
    readonly by: string;
    readonly since: Iso;
    readonly until?: Iso;
  }[];
  /** What people wrote down in this time, the newest first. */
  readonly notes: readonly Done[];
  /** What is not known yet, and what makes it known. */
  readonly unknown: readonly string[];
}
