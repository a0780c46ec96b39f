// store users, grant and revoke: who may do what in the store, and what follows for those who have no role yet.
import { grantLine, type Role } from '../../../domain/roles.ts';
import type { Granted, Store, StoreRights, StoreUser } from '../../../store.ts';
import { UsageError } from '../../../util/errors.ts';
import type { Item, ItemOf, Step, StepOptions } from '../../ports.ts';

const MAY: Readonly<Record<NonNullable<StoreUser['role']>, string>> = {
  reader: 'may read',
  site: 'may run the loops of a site: claim, copy, report',
  operator: 'may also cancel, delete, hold, reprocess and release',
  admin: 'is an admin of the database, so rules do not limit this user',
  elsewhere:
    'is named in `_security`; the account is not of this server (an admin in its configuration, or another login)',
};

/** Who may work with the store, by name. */
export async function* users(store: Store): Step {
  const { users: found, inForce } = await rightsOf(store).users();
  for (const { name, role } of [...found].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (role) yield { kind: 'user', ref: name, did: 'shown', role, text: `${role}: ${MAY[role]}` };
    else {
      const text = inForce ? 'may read; has no role' : 'may do everything until the rules are in force; has no role';
      yield {
        kind: 'user',
        ref: name,
        did: 'shown',
        role: 'none',
        text,
        next: grantLine(name, 'site'),
      };
    }
  }
  if (inForce) return;
  const { where: ref } = await store.info();
  const text = 'the rules of roles are not in force: every user who may read may also write';
  yield { kind: 'rules', ref, did: 'missing', text, next: 'dflow store grant USER --role site' };
}

export interface GrantOptions extends StepOptions {
  readonly role: Role;
  /** Makes the user where there is none. */
  readonly password?: string;
}

export async function* grant(store: Store, user: string, { role, password, dryRun }: GrantOptions): Step {
  const dry = dryRun ? { dryRun: true } : {};
  const granted = await rightsOf(store).grant(user, role, { password, dryRun: dryRun === true });
  const { did, before, admin } = granted;
  const was = before && before !== role ? `; was ${before} before` : '';
  const kept = did !== 'made' && password !== undefined ? '; the account existed, and its password stays' : '';
  const item: ItemOf<'user'> = { kind: 'user', ref: user, did, role, text: `${MAY[role]}${was}${kept}`, ...dry };
  if (admin && role !== 'operator') {
    const text = `has the role ${role}, but ${MAY.admin}`;
    const next = `dflow store revoke ${user}; then: ${grantLine(user, role)}`;
    yield { ...item, failed: true, text, next };
  } else yield item;
  yield { ...(await rulesItem(store, granted)), ...dry };
}

async function rulesItem(store: Store, { rules: { did, without } }: Granted): Promise<Item> {
  const { where: ref } = await store.info();
  if (did !== 'waiting') {
    return {
      kind: 'rules',
      ref,
      did,
      text: did === 'unchanged' ? 'the rules of roles are in force' : 'the rules of roles are now in force',
    };
  }
  const text = `the rules of roles are not in force yet: ${without.join(', ')} would be stopped for lack of a role`;
  const next = without.map((name) => grantLine(name, 'site')).join('; ');
  return { kind: 'rules', ref, did, failed: true, text, next };
}

export async function* revoke(store: Store, user: string, { dryRun }: StepOptions): Step {
  const { before } = await rightsOf(store).revoke(user, dryRun);
  const dry = dryRun ? { dryRun: true } : {};
  const text = before ? `was ${before}; the account stays, without a right to this store` : 'had no role';
  yield { kind: 'user', ref: user, did: before ? 'revoked' : 'unchanged', role: 'none', text, ...dry };
}

function rightsOf(store: Store): StoreRights {
  if (store.rights) return store.rights;
  throw new UsageError('only a CouchDB store has roles', {
    hint: 'SQLite: rights of the file (chmod, chgrp); PostgreSQL: GRANT, as docs/store.md shows',
  });
}
