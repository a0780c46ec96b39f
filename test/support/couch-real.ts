// A CouchDB server by the URL of its admin, the real one or that in memory: databases and users of a test, gone afterwards.

export interface RealCouch {
  /** A name that no other test has. */
  newName(): string;
  newUser(name: string): string;
  /** Address of a database; as a user whose password is `pw`, else as the admin. */
  url(database: string, user?: string): string;
  /** As the admin, below the server. @throws what the server does not take */
  call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Removes the databases and users whose names it gave out. */
  clean(): Promise<void>;
}

export function realCouch(admin: string): RealCouch {
  const { origin, host, username, password } = new URL(admin);
  const login = [username, password].map(decodeURIComponent).join(':');
  const authorization = `Basic ${Buffer.from(login).toString('base64')}`;
  const [names, users] = [[] as string[], [] as string[]];
  const unique = (name: string): string => `${name}-${Math.random().toString(36).slice(2, 10)}`;
  const given = (list: string[], name: string): string => {
    list.push(name);
    return name;
  };
  const call: RealCouch['call'] = async (method, path, body) => {
    const headers = { 'content-type': 'application/json', authorization };
    const init = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
    const reply = await fetch(`${origin}/${path}`, init);
    const answer = (await reply.json()) as Record<string, unknown>;
    if (!reply.ok) throw new Error(`${method} ${path}: HTTP ${reply.status} ${JSON.stringify(answer)}`);
    return answer;
  };
  return {
    call,
    newName: () => given(names, unique('dflow-test')),
    newUser: (name) => given(users, unique(name)),
    url: (database, user) =>
      `http://${user === undefined ? `${username}:${password}` : `${user}:pw`}@${host}/${database}`,
    clean: async () => {
      for (const name of names.splice(0)) await call('DELETE', name).catch(() => undefined);
      for (const user of users.splice(0)) {
        const path = `_users/org.couchdb.user:${user}`;
        const there = await call('GET', path).catch(() => undefined);
        if (there) await call('DELETE', `${path}?rev=${there._rev}`).catch(() => undefined);
      }
    },
  };
}
