// Written by bin/adapters.js at each build, from the folders of protocols/, backends/, catalogues/, stores/ and ratdbs/: do not edit.
// biome-ignore-all format: generated.
import type { BackendModule } from '../backend.ts';
import { about as backends_ganga } from '../backends/ganga/about.ts';
import { about as backends_htcondor } from '../backends/htcondor/about.ts';
import { about as backends_slurm } from '../backends/slurm/about.ts';
import type { CatalogueModule } from '../catalogue.ts';
import { about as protocols_gfal } from '../protocols/gfal/about.ts';
import { about as protocols_posix } from '../protocols/posix/about.ts';
import { about as protocols_s3 } from '../protocols/s3/about.ts';
import { about as protocols_webdav } from '../protocols/webdav/about.ts';
import { about as protocols_xrootd } from '../protocols/xrootd/about.ts';
import { about as ratdbs_postgres } from '../ratdbs/postgres/about.ts';
import type { RatdbModule } from '../runtables.ts';
import type { StorageModule } from '../storage.ts';
import type { StoreModule } from '../store.ts';
import { about as stores_couch } from '../stores/couch/about.ts';
import { about as stores_postgres } from '../stores/postgres/about.ts';
import type { Adapters } from './adapter.ts';

export const PROTOCOLS: Adapters<StorageModule> = {
  gfal: { ...protocols_gfal, load: () => import('../protocols/gfal/gfal.ts') },
  posix: { ...protocols_posix, load: () => import('../protocols/posix/posix.ts') },
  s3: { ...protocols_s3, load: () => import('../protocols/s3/s3.ts') },
  webdav: { ...protocols_webdav, load: () => import('../protocols/webdav/webdav.ts') },
  xrootd: { ...protocols_xrootd, load: () => import('../protocols/xrootd/xrootd.ts') },
};

export const BACKENDS: Adapters<BackendModule> = {
  ganga: { ...backends_ganga, load: () => import('../backends/ganga/ganga.ts') },
  htcondor: { ...backends_htcondor, load: () => import('../backends/htcondor/htcondor.ts') },
  local: { load: () => import('../backends/local/local.ts') },
  slurm: { ...backends_slurm, load: () => import('../backends/slurm/slurm.ts') },
};

export const CATALOGUES: Adapters<CatalogueModule> = {
  rucio: { load: () => import('../catalogues/rucio/rucio.ts') },
};

export const STORES: Adapters<StoreModule> = {
  couch: { ...stores_couch, load: () => import('../stores/couch/couch.ts') },
  postgres: { ...stores_postgres, load: () => import('../stores/postgres/postgres.ts') },
  sqlite: { load: () => import('../stores/sqlite/sqlite.ts') },
};

export const RATDBS: Adapters<RatdbModule> = {
  postgres: { ...ratdbs_postgres, load: () => import('../ratdbs/postgres/postgres.ts') },
};
