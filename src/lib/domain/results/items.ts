// What steps yield: one closed type for each kind of thing. The JSON lines of commands are these, so a change here is
// a change of the contract that docs/json.md describes.
import type {
  BufferItem,
  DataItem,
  FileItem,
  NoticeItem,
  OriginalItem,
  OutputItem,
  QuarantineItem,
  ReplicaItem,
  TrashItem,
} from './fileitems.ts';
import type {
  ConfigItem,
  DocumentItem,
  ModuleItem,
  SettingItem,
  SourceItem,
  StoreItem,
  TableItem,
  TagItem,
  ViewsItem,
} from './storeitems.ts';
import type {
  CredentialItem,
  FarmItem,
  HoldItem,
  JobItem,
  LoopItem,
  RequestItem,
  RunItem,
  StorageItem,
  TrialItem,
} from './workitems.ts';

export type Item =
  | ReplicaItem
  | OutputItem
  | DataItem
  | OriginalItem
  | RunItem
  | JobItem
  | RequestItem
  | HoldItem
  | FarmItem
  | StorageItem
  | FileItem
  | QuarantineItem
  | TrashItem
  | NoticeItem
  | BufferItem
  | TableItem
  | SourceItem
  | TagItem
  | LoopItem
  | CredentialItem
  | DocumentItem
  | TrialItem
  | StoreItem
  | ViewsItem
  | ConfigItem
  | ModuleItem
  | SettingItem;

/** The item of one kind. */
export type ItemOf<Kind extends Item['kind']> = Extract<Item, { readonly kind: Kind }>;
/** What an item is about, before it is known what was done. */
export type About<Kind extends Item['kind']> = Omit<ItemOf<Kind>, 'did'>;
