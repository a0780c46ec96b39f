// What steps yield: one closed type for each kind of thing. The JSON lines of commands are these, so a change here is
// a change of the contract that docs/json.md describes.
import type { CatalogueItem } from './catalogueitems.ts';
import type { CheckItems } from './checkitems.ts';
import type { FileItems } from './fileitems.ts';
import type { StoreItems } from './storeitems.ts';
import type { WorkItems } from './workitems.ts';

export type * from './catalogueitems.ts';
export type * from './checkitems.ts';
export type * from './fileitems.ts';
export type * from './storeitems.ts';
export type * from './workitems.ts';

export type Item = FileItems | WorkItems | StoreItems | CheckItems | CatalogueItem;

/** The item of one kind. */
export type ItemOf<Kind extends Item['kind']> = Extract<Item, { readonly kind: Kind }>;
/** What an item is about, before it is known what was done. */
export type About<Kind extends Item['kind']> = Omit<ItemOf<Kind>, 'did'>;
