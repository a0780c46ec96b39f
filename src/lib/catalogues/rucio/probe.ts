// What doctor asks: whether the login works, whose the scopes are, and whether the RSEs can be told of copies.
import type { Probe } from '../../catalogue.ts';
import type { CatalogueSettings } from '../../domain/settings.ts';
import { field } from '../../util/values/field.ts';
import { linesOf } from './lines.ts';
import type { Session } from './session.ts';

/** Looks at each. @throws UnreachableError, CredentialsError */
export async function* probe(
  session: Session,
  settings: CatalogueSettings,
  scopes: readonly string[],
  places: readonly string[],
): AsyncGenerator<Probe, void, void> {
  const { account } = settings;
  const mine = new Set(await listed(session, `/scopes/${encodeURIComponent(account)}/scopes`));
  const all = new Set(await listed(session, '/scopes/'));
  yield { subject: 'login', ok: true, text: `logged in as account ${account}` };
  for (const scope of scopes) yield scopeProbe(scope, account, mine, all);
  const limits = await session.ask({ method: 'GET', path: `/accounts/${encodeURIComponent(account)}/limits/local` });
  for (const place of places) yield await placeProbe(session, settings, place, limits.text.includes(`"${place}"`));
}

async function listed(session: Session, path: string): Promise<string[]> {
  const answer = await session.tryTo({ method: 'GET', path });
  if ('refused' in answer) return [];
  return linesOf(answer.text).flat().map(String);
}

function scopeProbe(scope: string, account: string, mine: ReadonlySet<string>, all: ReadonlySet<string>): Probe {
  const subject = `scope ${scope}`;
  if (mine.has(scope)) return { subject, ok: true, text: `scope ${scope} belongs to account ${account}` };
  if (all.has(scope))
    return {
      ...{ subject, ok: false, text: `scope '${scope}' belongs to another account than ${account}` },
      next: `ask an administrator of Rucio to give scope ${scope} to account ${account}, or correct catalogue.scope`,
    };
  const next = `rucio scope add ${scope} --account ${account}; or correct catalogue.scope in dflow.yaml`;
  return { subject, ok: false, text: `Rucio does not know the scope '${scope}'`, next };
}

async function placeProbe(
  session: Session,
  { account }: CatalogueSettings,
  place: string,
  limited: boolean,
): Promise<Probe> {
  const subject = `place ${place}`;
  const answer = await session.tryTo({ method: 'GET', path: `/rses/${encodeURIComponent(place)}` });
  if ('refused' in answer)
    return {
      subject,
      ok: false,
      text: `RSE '${place}': ${answer.words}`,
      next: 'rucio rse list; then correct catalogue.rses in dflow.yaml',
    };
  const [rse] = linesOf(answer.text);
  if (field(rse, 'deterministic') === true)
    return {
      ...{ subject, ok: false, text: `RSE '${place}' is deterministic: it takes no physical names but its own` },
      next: `ask an administrator of Rucio: rucio rse set ${place} --key deterministic --value False`,
    };
  if (!limited)
    return {
      ...{
        subject,
        ok: false,
        text: `account ${account} has no quota at RSE '${place}', so no rule can pin copies there`,
      },
      next: `ask an administrator of Rucio: rucio account limit add ${account} --rse ${place} --bytes infinity`,
    };
  return { subject, ok: true, text: `RSE ${place} takes physical names, and account ${account} has a quota there` };
}
