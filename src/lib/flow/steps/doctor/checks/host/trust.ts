// Certificate authorities that this host trusts, and their lists of revoked certificates: an expired list closes every
// site of that authority. Only where a storage element or a proxy uses X.509.
import { type Authority, authoritiesIn, type RevocationList, revocationsIn } from '../../../../../util/certificates.ts';
import { counted } from '../../../../../util/text/counted.ts';
import { remount, silence } from '../../../../../util/text/silence.ts';
import { DAY, humanDuration, humanLeft, ms } from '../../../../../util/time.ts';
import { type Check, type Finding, failed, ok, type Patient, warning } from '../../check.ts';
import { kindOf, outside, SILENT } from '../../outside.ts';

export const check: Check = {
  name: 'trust',
  group: 'credentials',
  about: [
    {
      ref: 'trust',
      looks:
        'Certificate authorities and their lists of revoked certificates (CRL), where X.509 is used: `X509_CERT_DIR`, else the usual folder.',
      means:
        'A list or an authority has expired or ends soon, or there is none. Every server of that authority is refused.',
      mends:
        '`fetch-crl` for lists. For authorities update or install their package, or export X509_CERT_DIR. A dead disk: `umount -l`.',
    },
  ],
  looks: (patient) => [{ subject: 'trust', look: () => look(patient) }],
};

const USUAL = '/etc/grid-security/certificates';

/** OpenSSL reads `HASH.N` and `HASH.rN` only. The dates of a list are in its first bytes, and lists may be large. */
const READ = `cd "$1" || exit 3
for file in *.[0-9] *.r[0-9]; do
  [ -f "$file" ] || continue
  case $file in *.r*) bytes=4096 ;; *) bytes=65536 ;; esac
  printf '%s %s\\n' "$file" "$(head -c "$bytes" "$file" | base64 | tr -d '\\n')"
done`;

async function look(patient: Patient): Promise<Finding | readonly Finding[]> {
  const { X509_CERT_DIR, X509_USER_PROXY } = patient.environment;
  const proxy = X509_USER_PROXY !== undefined || (await kindOf(patient, patient.usualProxy)) === 'file';
  if (patient.x509.length === 0 && X509_CERT_DIR === undefined && !proxy) return [];
  const folder = X509_CERT_DIR || USUAL;
  const { exit, stdout } = await outside(patient, READ, [folder]);
  if (exit === SILENT) return failed(silence(folder), remount(folder));
  if (exit === 3) {
    const fix = 'install ca-policy-egi-core, or export X509_CERT_DIR=PATH';
    return X509_CERT_DIR === undefined
      ? warning(`${folder}, the usual place of certificate authorities, does not exist`, fix)
      : failed(`X509_CERT_DIR names ${folder}, which is not a folder`, fix);
  }
  const files = [...stdout.matchAll(/^(\S+) (\S*)$/gm)].map(([, name = '', text = '']) => {
    return { name, bytes: Buffer.from(text, 'base64') };
  });
  return judged(folder, files.flatMap(authoritiesIn), files.flatMap(revocationsIn), patient.clock());
}

/** Milliseconds before its end at which a date is worth a word. */
const [SOON, LIST_SOON] = [30 * DAY, DAY];

function judged(
  folder: string,
  authorities: readonly Authority[],
  lists: readonly RevocationList[],
  now: number,
): readonly Finding[] {
  const renew = 'fetch-crl, and its timer: systemctl enable --now fetch-crl.timer';
  const update = 'update the package of your certificate authorities (ca-policy-egi-core)';
  if (authorities.length === 0) return [failed(`${folder} holds no certificate authority (HASH.0)`, update)];
  const found = [
    ...dated(lists, 'list of revoked certificates', 'lists of revoked certificates', LIST_SOON, renew, now),
    ...dated(authorities, 'certificate authority', 'certificate authorities', SOON, update, now),
  ];
  if (found.length > 0) return found;
  const several = counted(authorities.length, 'certificate authority', 'certificate authorities');
  const next = lists.flatMap(({ until }) => (until === undefined ? [] : [ms(until)]));
  if (next.length === 0) return [ok(`${folder}: ${several}; no list of revoked certificates`)];
  const left = humanLeft(Math.min(...next) - now);
  return [ok(`${folder}: ${several}; lists of revoked certificates are good for ${left}`)];
}

/** What has expired, and what soon will. That all have is a fault of this host; that one has may be one of a site. */
function dated(
  all: readonly (Authority | RevocationList)[],
  one: string,
  several: string,
  soon: number,
  fix: string,
  now: number,
): Finding[] {
  const left = all.flatMap(({ name, until }) => (until === undefined ? [] : [{ name, left: ms(until) - now }]));
  const over = left.filter((each) => each.left <= 0);
  const ending = left.filter((each) => each.left > 0 && each.left < soon);
  if (over.length > 0)
    return [(over.length === all.length ? failed : warning)(`expired: ${named(over, one, several)}`, fix)];
  if (ending.length === 0) return [];
  const first = humanDuration(Math.min(...ending.map((each) => each.left)));
  return [warning(`${named(ending, one, several)} will expire, the first in ${first}`, fix)];
}

function named(found: readonly { readonly name: string }[], one: string, several: string): string {
  const more = found.length > 3 ? ', ...' : '';
  const names = found.slice(0, 3).map(({ name }) => name);
  return `${counted(found.length, one, several)} (${names.join(', ')}${more})`;
}
