// What each command prints with --json, one value a line: the contract of scripts. bin/contract.js makes docs/json.md and
// docs/json.schema.json of it; nothing else uses it.
import type {
  BackupItem,
  BufferItem,
  CanaryItem,
  CatalogueItem,
  CheckItem,
  ConfigItem,
  CredentialItem,
  DataItem,
  DocumentItem,
  EstimateItem,
  FarmItem,
  FileItem,
  HoldItem,
  JobItem,
  LoopItem,
  ModuleItem,
  NoteItem,
  NoticeItem,
  NotifyItem,
  OriginalItem,
  OutputItem,
  QuarantineItem,
  ReplicaItem,
  ReplicationItem,
  RequestItem,
  RulesItem,
  RunItem,
  ScreenItem,
  SettingItem,
  SourceItem,
  StorageItem,
  StoreItem,
  TableItem,
  TagItem,
  TrashItem,
  TrialItem,
  UserItem,
  ViewsItem,
  WaitItem,
} from '../../domain/results/items.ts';
import type { EventRow } from '../../flow/reports/events/event.ts';
import type { FlowPicture } from '../../flow/reports/flow/picture.ts';
import type { Handover } from '../../flow/reports/handover/handover.ts';
import type { JobLog } from '../../flow/reports/logs.ts';
import type { Lists } from '../../flow/reports/look/look.ts';
import type { Family } from '../../flow/reports/metrics/family.ts';
import type { ReportPage } from '../../flow/reports/report/page.ts';
import type { RequestPage } from '../../flow/reports/request/page.ts';
import type { StatusPage } from '../../flow/reports/status/page.ts';
import type { WhyReport } from '../../flow/reports/why/whyreport.ts';
import type { StoreState } from '../../flow/steps/keeping/replicate.ts';
import type { Observation } from '../../flow/steps/monitor/observation.ts';
import type { FoundTable } from '../../runtables.ts';

/** A document of the store; docs/architecture.md says which there are. */
export interface StoredDocument {
  readonly _id: string;
  readonly kind: string;
  /** Version of its schema. */
  readonly v: number;
  readonly [field: string]: unknown;
}

/** Why a run, a pass, a storage element, a farm or the buffer stands still. */
export interface WhyLine extends WhyReport {
  readonly kind: 'why';
}

/** The whole experiment on one page. */
export interface StatusLine extends StatusPage {
  readonly kind: 'status';
}

/** The chain as boxes with counts, and what stands still. */
export interface FlowLine extends FlowPicture {
  readonly kind: 'flow';
}

/** The experiment over some time. */
export interface ReportLine extends ReportPage {
  readonly kind: 'report';
}

/** One request: asked for, made, used. */
export interface RequestReportLine extends RequestPage {
  readonly kind: 'request-report';
}

/** What a shift leaves to the next one. */
export interface HandoverLine extends Handover {
  readonly kind: 'handover';
}

/** The end of what one subjob printed. */
export interface LogLine extends JobLog {
  readonly kind: 'log';
}

/** One revision of a document in conflict. */
export interface RevisionLine {
  readonly rev: string;
  readonly document: StoredDocument;
}

type Selected = JobItem | RunItem;
type Register =
  | FileItem
  | QuarantineItem
  | RunItem
  | HoldItem
  | BufferItem
  | NoticeItem
  | OriginalItem
  | TrashItem
  | DataItem;
type Transfer = ReplicaItem | StorageItem | DataItem | RunItem | HoldItem | JobItem | FileItem | CredentialItem;
type Enqueue = Selected | SourceItem;
type Tables = RunItem | TableItem | SourceItem | HoldItem | TagItem | NoticeItem;
type Submit = FarmItem | StorageItem | JobItem | CredentialItem;
type Monitor = FarmItem | JobItem | TableItem | SourceItem | RunItem | HoldItem | TagItem | NoticeItem;
type Reset = FarmItem | JobItem | HoldItem | RunItem;
type Purge =
  | OriginalItem
  | QuarantineItem
  | TrashItem
  | BufferItem
  | StorageItem
  | FileItem
  | JobItem
  | RunItem
  | CredentialItem;
type Verify = ReplicaItem | OutputItem | StorageItem | FileItem | JobItem | CredentialItem;

/** By command, with the word or flag that decides. Every command may add `DocumentItem`s that cannot be read. */
export interface Printed {
  register: Register;
  transfer: Transfer;
  'transfer --cancel': Transfer;
  tables: Tables;
  'tables load': Tables;
  'tables show': FoundTable;
  enqueue: Enqueue;
  submit: Submit;
  monitor: Monitor;
  'monitor poll': Observation;
  'monitor poll --spool': FarmItem;
  'monitor apply': Monitor;
  reset: Reset;
  purge: Purge;
  verify: Verify;
  'verify --catalogue': CatalogueItem;
  'catalogue sync': CatalogueItem;
  'catalogue import': CatalogueItem | StorageItem;
  chain: Register | Transfer | Enqueue | Tables | Submit | Monitor | Reset | Purge | Verify | CatalogueItem | LoopItem;
  loop: LoopItem;
  'screens start': ScreenItem;
  'screens stop': ScreenItem;
  'screens restart': ScreenItem;
  'screens status': Lists['screens'];
  'screens systemd --out': ScreenItem;
  reprocess: Selected | RequestItem | EstimateItem;
  retry: Selected;
  cancel: Selected;
  get: Selected | OutputItem;
  delete: Selected | FileItem | StorageItem | CredentialItem;
  pause: HoldItem;
  resume: HoldItem;
  'label add': Selected;
  'label remove': Selected;
  note: NoteItem;
  quarantine: HoldItem;
  'quarantine --restore': TrashItem;
  'storage disable': HoldItem;
  'storage primary': HoldItem;
  'farm drain': HoldItem | FarmItem | JobItem;
  'farm unlock': FarmItem | JobItem;
  'list runs': Lists['runs'];
  'list data': Lists['data'];
  'list replicas': Lists['replicas'];
  'list jobs': Lists['jobs'];
  'list first-pass': Lists['first-pass'];
  'list farms': Lists['farms'];
  'list storage': Lists['storage'];
  'list requests': Lists['requests'];
  'list labels': Lists['labels'];
  'list holds': Lists['holds'];
  'list loops': Lists['loops'];
  'list modules': Lists['modules'];
  'list quarantine': Lists['quarantine'];
  'list quarantine --trash': Lists['trash'];
  'list tables': Lists['tables'];
  'list archived': Lists['archived'];
  'list summary': Lists['summary'];
  show: StoredDocument;
  history: Lists['history'];
  log: LogLine | Selected;
  events: EventRow;
  wait: WaitItem;
  notify: NotifyItem;
  metrics: Family;
  status: StatusLine;
  'status --since': HandoverLine;
  flow: FlowLine;
  report: ReportLine;
  'report --request': RequestReportLine;
  why: WhyLine;
  'why --all': Lists['reasons'];
  'policy test': Lists['verdict'];
  'module check': Lists['modules'];
  'module new': ModuleItem | ConfigItem;
  'module test': TrialItem | OutputItem;
  doctor: CheckItem;
  'doctor --canary': CanaryItem;
  'config check': ConfigItem | StorageItem | CheckItem;
  'config show': SettingItem;
  init: FileItem | StoreItem | CheckItem;
  'store setup': StoreItem;
  'store archive': BackupItem | RunItem;
  'store backup': BackupItem;
  'store unarchive': RunItem;
  'store rebuild': Register | StoreItem | JobItem | FarmItem | StorageItem;
  'store restore': StoreItem | HoldItem | DocumentItem;
  'store rescue': BackupItem | DocumentItem;
  'store info': StoreState;
  'store compact': StoreItem;
  'store replicate': ReplicationItem;
  'store migrate': DocumentItem;
  'store check': StoreItem | DocumentItem | ViewsItem;
  'store export': StoredDocument;
  'store deploy': ViewsItem;
  'store import': DocumentItem;
  'store drop': DocumentItem;
  'store conflicts list': DocumentItem;
  'store conflicts show': RevisionLine;
  'store conflicts keep': DocumentItem;
  'store grant': UserItem | RulesItem;
  'store revoke': UserItem;
  'store users': UserItem | RulesItem;
}
