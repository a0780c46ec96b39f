// Written by bin/checks.js at each build, from the files below checks/: do not edit.
// biome-ignore-all format: generated.
import type { Check } from './check.ts';
import { check as copies } from './checks/configuration/copies.ts';
import { check as drift } from './checks/configuration/drift.ts';
import { check as folders } from './checks/configuration/folders.ts';
import { check as hosts } from './checks/configuration/hosts.ts';
import { check as modules } from './checks/configuration/modules.ts';
import { check as rules } from './checks/configuration/rules.ts';
import { check as versions } from './checks/configuration/versions.ts';
import { check as clock } from './checks/host/clock.ts';
import { check as credentials } from './checks/host/credentials.ts';
import { check as disks } from './checks/host/disks.ts';
import { check as tools } from './checks/host/tools.ts';
import { check as trust } from './checks/host/trust.ts';
import { check as buffer } from './checks/places/buffer.ts';
import { check as catalogue } from './checks/places/catalogue.ts';
import { check as elements } from './checks/places/elements.ts';
import { check as farms } from './checks/places/farms.ts';
import { check as ratdb } from './checks/places/ratdb.ts';
import { check as answers } from './checks/store/answers.ts';
import { check as conflicts } from './checks/store/conflicts.ts';
import { check as integrity } from './checks/store/integrity.ts';
import { check as replication } from './checks/store/replication.ts';
import { check as views } from './checks/store/views.ts';

export const CHECKS: readonly Check[] = [
  copies,
  drift,
  folders,
  hosts,
  modules,
  rules,
  versions,
  clock,
  credentials,
  disks,
  tools,
  trust,
  buffer,
  catalogue,
  elements,
  farms,
  ratdb,
  answers,
  conflicts,
  integrity,
  replication,
  views,
];
