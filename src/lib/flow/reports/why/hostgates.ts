// What a host needs for everything that it starts: its credentials.
import type { Gate } from '../../../domain/jobs/readiness.ts';
import { type CredentialDoc, credentialId } from '../../farms/credentials.ts';
import type { ReadPorts } from '../../ports.ts';

/** Of this host, or of another one that has told. */
export async function credentialGates(ports: ReadPorts, host = ports.host): Promise<Gate[]> {
  const { store, settings } = ports;
  if (!settings.credentials) return [];
  const doc = (await store.get<CredentialDoc>([credentialId(host)])).get(credentialId(host));
  if (!doc) return [];
  const over = doc.expires !== undefined && doc.expires < (await store.now());
  const text = `on ${host}: ${over ? `expired at ${doc.expires}` : doc.text}`;
  const next = settings.credentials.renew ?? 'voms-proxy-init';
  return [{ gate: 'credentials', ok: doc.state !== 'expired' && !over, text, since: doc.at, next }];
}
