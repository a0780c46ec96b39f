// What the in-memory CouchDB lacks besides: `_replicator` with its scheduler, for databases of the same server, and
// compaction. A replication copies when somebody looks at it.
import type { Database, Json, Next, Request, Response, Router } from './couch-rights.ts';

interface End {
  readonly url: string;
  readonly auth?: { readonly basic: { readonly username: string; readonly password: string } };
}
interface Job extends Json {
  readonly _id: string;
  readonly source: End;
  readonly target: End;
  readonly continuous: boolean;
}

const nameOf = ({ url }: End): string => decodeURIComponent(new URL(url).pathname.slice(1));

export function withReplicator(
  router: Router,
  parse: (request: Request) => Promise<unknown>,
  open: (name: string) => Database,
): void {
  const jobs = new Map<string, Job>();

  async function entry(job: Job): Promise<Json> {
    const { source, target, continuous } = job;
    const base = { database: '_replicator', doc_id: job._id, source: `${source.url}/`, target: `${target.url}/` };
    const id = continuous ? 'x+continuous' : null;
    if (target.auth?.basic.password === 'wrong') {
      return { ...base, id, state: 'crashing', info: { error: '{replication_auth_error,unauthorized}' } };
    }
    const { rows } = await open(nameOf(source)).allDocs({ include_docs: true });
    const docs = rows.flatMap(({ doc }): Json[] => (doc ? [doc] : []));
    await open(nameOf(target)).bulkDocs(docs, { new_edits: false });
    const info = { docs_written: docs.length, changes_pending: continuous ? 0 : null };
    return { ...base, id, state: continuous ? 'running' : 'completed', info };
  }

  async function route(request: Request, response: Response, next: Next): Promise<void> {
    const [, first = '', second = ''] = request.path.split('/');
    const missing = (): void => void response.status(404).json({ error: 'not_found', reason: 'missing' });
    if (first === '_scheduler') {
      const id = request.path.split('/')[4];
      const found = [...jobs.values()].filter(({ _id }) => id === undefined || id === _id);
      const docs = await Promise.all(found.map(entry));
      if (id !== undefined && docs.length === 0) return missing();
      return void response.json(id !== undefined ? docs[0] : { total_rows: docs.length, offset: 0, docs });
    }
    if (first === '_replicator') {
      const there = jobs.get(second);
      if (request.method === 'PUT') {
        jobs.set(second, { ...((await parse(request)) as Job), _id: second, _rev: '1-a' });
        return void response.status(201).json({ ok: true, id: second, rev: '1-a' });
      }
      if (!there) return missing();
      if (request.method === 'DELETE') jobs.delete(second);
      return void response.json(there);
    }
    if (request.method === 'POST' && (second === '_compact' || second === '_view_cleanup')) {
      return void response.status(202).json({ ok: true });
    }
    if (request.method === 'GET' && request.path.endsWith('/_info')) {
      return void response.json({ view_index: { sizes: { file: 1 } } });
    }
    return next();
  }

  router.use((request, response, next) => {
    route(request, response, next).catch(next);
  });
}
