// store deploy: this version's views are built beside those of other versions, so that no query waits for them later.
import type { Store, ViewSet } from '../../../store.ts';
import type { Item, Step, StepOptions } from '../../ports.ts';

export interface DeployOptions extends StepOptions {
  /** Removes the sets of other versions. */
  readonly prune?: boolean;
}

const TEXTS: Readonly<Record<ViewSet['did'], string>> = {
  deployed: 'the views of this version, built beside those of others',
  repaired: 'the views had been edited; they are what this version wrote again',
  unchanged: 'the views of this version',
  kept: 'views of another version of dflow, which goes on working; --prune removes them',
  pruned: 'views of another version of dflow; hosts with that version stop until they are upgraded',
};

/** Builds what is missing, repairs what was edited; other versions' views stay unless `prune` is given. */
export async function* deploy(store: Store, { prune, dryRun }: DeployOptions): Step {
  const dry = dryRun ? { dryRun: true } : {};
  if (!store.keeping) {
    const { where, engine } = await store.info();
    yield {
      kind: 'views',
      ref: where,
      did: 'unchanged',
      text: `${engine} keeps the views up to date by itself`,
      ...dry,
    };
    return;
  }
  for await (const { id, did } of store.keeping.deploy({ prune: prune === true, dryRun: dryRun === true })) {
    const item: Item = { kind: 'views', ref: id, did: did === 'kept' ? 'unchanged' : did, text: TEXTS[did], ...dry };
    yield item;
  }
}
