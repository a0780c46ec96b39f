// What steps yield about work: runs, passes, requests, and what holds or carries them.
import type { Iso } from '../../util/time.ts';
import type { ModuleEstimate } from '../jobs/requests/estimate.ts';
import type { PassState, SubjobStateName } from '../jobs/states.ts';
import type { Said } from './baseitem.ts';

/** A run. */
export interface RunItem
  extends Said<
    'run',
    | 'typed'
    | 'completed'
    | 'blocked'
    | 'late'
    | 'forgotten'
    | 'unchanged'
    | 'unknown'
    | 'not-ready'
    | 'nothing-asked'
    | 'left-out'
    | 'tabled'
    | 'retried'
    | 'released'
    | 'failed'
    | 'lost'
    | 'frozen'
    | 'archived'
    | 'restored'
    | 'kept'
    | 'skipped'
    | 'labelled'
    | 'unlabelled'
  > {
  readonly run?: number;
  readonly label?: string;
  /** Number of its passes that changed with it. */
  readonly passes?: number;
  /** File with the documents of the run. */
  readonly file?: string;
  /** Number of documents. */
  readonly documents?: number;
  readonly level?: string;
  /** Bits of the run types. */
  readonly mask?: number;
  readonly types?: readonly string[];
  /** How many subruns it has. */
  readonly subruns?: number;
  /** What says that it is complete. */
  readonly evidence?: string;
  /** Names of files that came late. */
  readonly files?: readonly string[];
  /** What is missing. */
  readonly gate?: string;
}

/** A pass, or one subjob. */
export interface JobItem
  extends Said<
    'job',
    | 'made'
    | 'not-made'
    | 'not-planned'
    | 'submitted'
    | 'not-submitted'
    | 'started'
    | 'completed'
    | 'failed'
    | 'retried'
    | 'held'
    | 'released'
    | 'reset'
    | 'put-back'
    | 'woken'
    | 'wanted'
    | 'canceled'
    | 'deleted'
    | 'restored'
    | 'kept'
    | 'refused'
    | 'unchanged'
    | 'unknown'
    | 'labelled'
    | 'unlabelled'
  > {
  readonly label?: string;
  readonly run?: number;
  readonly module?: string;
  readonly pass?: number;
  /** Software version. */
  readonly version?: string;
  /** Number of subjobs. */
  readonly subjobs?: number;
  readonly state?: PassState;
  readonly request?: string;
  /** Farm. */
  readonly site?: string;
  /** Cause of the failure, as in the policy. */
  readonly cause?: string;
  /** State that the job gets when the batch system has stopped it. */
  readonly wanted?: SubjobStateName;
  /** Number of jobs that were woken. */
  readonly jobs?: number;
  /** Number of outputs. */
  readonly outputs?: number;
  /** Bytes of these outputs. */
  readonly bytes?: number;
  readonly receipt?: string;
  /** Name of the batch job. */
  readonly key?: string;
}

/** A request for new passes. */
export interface RequestItem extends Said<'request', 'planned' | 'continued' | 'unchanged'> {
  /** Passes of its plan. */
  readonly passes?: number;
  readonly version?: string;
}

/** What the passes of a request will take: one for each module, and one for all together. */
export interface EstimateItem extends Said<'estimate', 'estimated'> {
  readonly request: string;
  /** Absent of the sum. */
  readonly module?: string;
  /** Version asked for. */
  readonly version: string;
  /** Version whose passes were measured; absent where none was. */
  readonly from?: string;
  /** Number of passes that were measured. */
  readonly measured: number;
  /** Number of passes and of jobs that are asked for. */
  readonly passes: number;
  readonly jobs: number;
  /** Seconds of all jobs together. */
  readonly cpu?: number;
  readonly wall?: number;
  /** Bytes of all outputs together. */
  readonly bytes?: number;
  /** Of one job: seconds and bytes, how they spread over the measured passes. */
  readonly perJob?: ModuleEstimate['perJob'];
  /** Modules of which nothing was measured. */
  readonly unmeasured?: readonly string[];
  /** Slots of the farms that take jobs of this version now. */
  readonly slots?: number;
  /** Seconds until all is done, with every slot for this request alone. */
  readonly takes?: number;
}

/** A hold: a pause, a drain, a calibration lock. */
export interface HoldItem
  extends Said<'hold', 'paused' | 'held' | 'changed' | 'unchanged' | 'resumed' | 'expired' | 'released' | 'unknown'> {
  readonly until?: Iso;
  readonly run?: number;
  /** Jobs that look again. */
  readonly woken?: number;
  readonly cause?: string;
  /** Farm. */
  readonly site?: string;
}

/** What a person wrote down for the others. */
export interface NoteItem extends Said<'note', 'noted'> {
  /** REFs that it is about. */
  readonly refs: readonly string[];
}

/** A farm. */
export interface FarmItem
  extends Said<
    'farm',
    | 'took-over'
    | 'drained'
    | 'empty'
    | 'unlocked'
    | 'unknown'
    | 'dated-back'
    | 'site-fault'
    | 'orphan-canceled'
    | 'not-submitted'
    | 'polled'
    | 'occupied'
    | 'unreadable'
  > {
  /** Jobs that the batch system does not know any more. */
  readonly absent?: number;
  /** Jobs that it was asked for. */
  readonly asked?: number;
  readonly subjobs?: number;
}

/** A storage element as a whole. */
export interface StorageItem
  extends Said<'storage', 'skipped' | 'aside' | 'kept' | 'checked' | 'unlisted' | 'site-fault' | 'unreachable'> {
  readonly storage?: string;
  readonly until?: Iso;
  readonly cause?: string;
  /** It cannot be reached: exit 5 when nothing else could be done. */
  readonly unreachable?: boolean;
  /** Copies looked at. */
  readonly checked?: number;
  /** Bad ones among them. */
  readonly bad?: number;
  /** Copies of which nothing is known. */
  readonly unreadable?: number;
  /** Bytes read. */
  readonly bytes?: number;
}

/** A step of `chain`, or a round of a loop. */
export interface LoopItem
  extends Said<
    'loop',
    'waiting' | 'skipped' | 'started' | 'done' | 'unchanged' | 'failed' | 'stopped' | 'forgotten' | 'kept'
  > {
  /** When the next round is due. */
  readonly until?: Iso;
  /** When the round began. */
  readonly began?: Iso;
  /** Exit code of the round; absent when it was killed. */
  readonly exit?: number;
  /** Milliseconds that the round took. */
  readonly took?: number;
}

/** A window of the screens of this host: one loop. */
export interface ScreenItem
  extends Said<'screen', 'started' | 'stopped' | 'waiting' | 'skipped' | 'unchanged' | 'kept' | 'failed' | 'written'> {
  /** Name of the tmux session. */
  readonly session?: string;
  /** Process in the window. */
  readonly pid?: number;
}

/** The credentials of this host. */
export interface CredentialItem extends Said<'credential', 'unchanged'> {
  readonly state: 'low';
}

/** A module run on this machine, on one run. */
export interface TrialItem extends Said<'trial', 'done' | 'failed'> {
  /** Phase that it ended in. */
  readonly phase: string;
  readonly exit: number;
  /** Seconds. */
  readonly wall: number;
  /** Seconds. */
  readonly cpu?: number;
  /** KiB. */
  readonly maxRss?: number;
  readonly host: string;
}

/** What was waited for. */
export interface WaitItem extends Said<'wait', 'reached' | 'never' | 'timed-out'> {}

/** A message of a rule. */
export interface NotifyItem extends Said<'notify', 'sent' | 'waiting' | 'failed'> {
  /** New problems in it, problems that last, and problems that have ended. */
  readonly fresh?: number;
  readonly again?: number;
  readonly ended?: number;
  /** Its text, in a dry run. */
  readonly message?: string;
}

export type WorkItems =
  | RunItem
  | JobItem
  | RequestItem
  | EstimateItem
  | HoldItem
  | NoteItem
  | FarmItem
  | StorageItem
  | LoopItem
  | ScreenItem
  | CredentialItem
  | TrialItem
  | WaitItem
  | NotifyItem;
