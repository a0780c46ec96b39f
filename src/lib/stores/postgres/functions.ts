// The functions of a PostgreSQL store: each change is one statement of a client, so no lock outlives a round trip, and a
// connection pooler may give every statement another connection. Their names follow their text: versions do not meet.
import { createHash } from 'node:crypto';
import { named } from './tables.ts';

/** SQLSTATEs of our own. */
export const BEHIND = 'DF001';
export const PRUNED = 'DF002';

const ROWS = `dv integer[], dk text[], di text[], dn integer[],
  av integer[], ak text[], ai text[], an integer[], aj text[], ax text[],
  gv integer[], gl integer[], gk text[], gj text[], gr bigint[], gx numeric[]`;

interface Source {
  readonly takes: string;
  readonly returns: string;
  readonly body: (at: (name: string) => string) => string;
}

/**
 * Locks the head. Statements of a function see what was committed while it waited. `seen`: how far the store was known
 * to have come; `own`: the views that the caller keeps up to date.
 */
const LOCK = (at: (name: string) => string): string => `
  SELECT h.seq INTO STRICT last FROM ${at('head')} h FOR UPDATE;
  IF last < seen THEN
    RAISE EXCEPTION '%', seen - last USING ERRCODE = '${BEHIND}';
  END IF;
  IF (SELECT count(*) FROM ${at('views')} v WHERE v.view = ANY (own)) <> cardinality(own) THEN
    RAISE EXCEPTION 'views were removed' USING ERRCODE = '${PRUNED}';
  END IF;`;

const MOVED = (at: (name: string) => string): string => `
  lost := ARRAY(SELECT c.id FROM unnest(ids, revs) AS c(id, rev) LEFT JOIN ${at('docs')} d ON d.id = c.id
    WHERE coalesce(d.rev, 0) <> c.rev);`;

const CHANGE_ROWS = (at: (name: string) => string): string => `
  DELETE FROM ${at('rows')} r USING unnest(dv, dk, di, dn) AS x(view, key, id, n)
    WHERE r.view = x.view AND r.key = x.key AND r.id = x.id AND r.n = x.n;
  INSERT INTO ${at('rows')} (view, key, id, n, json, value) SELECT * FROM unnest(av, ak, ai, an, aj, ax);
  INSERT INTO ${at('reduced')} AS g (view, level, key, json, rows, value) SELECT * FROM unnest(gv, gl, gk, gj, gr, gx)
    ON CONFLICT (view, level, key) DO UPDATE SET rows = g.rows + excluded.rows, value = g.value + excluded.value;
  DELETE FROM ${at('reduced')} g USING unnest(gv, gl, gk, gr) AS x(view, level, key, rows)
    WHERE x.rows < 0 AND g.view = x.view AND g.level = x.level AND g.key = x.key AND g.rows = 0;`;

const DECLARED = `#variable_conflict use_column
DECLARE last bigint; lost text[]; behind text[];
BEGIN`;

const SOURCES = {
  /**
   * All of the changes, or the ids of those that others were faster with, or whose rows lag behind. A body of NULL
   * removes.
   */
  apply: {
    takes: `seen bigint, own integer[], op text, ids text[], revs bigint[], bodies text[], ${ROWS}`,
    returns: 'TABLE (seq bigint, conflicts text[], lagging boolean)',
    body: (at) => `${DECLARED}${LOCK(at)}${MOVED(at)}
  behind := ARRAY(SELECT DISTINCT s.id FROM ${at('stale')} s WHERE s.view = ANY (own) AND s.id = ANY (ids));
  IF cardinality(lost || behind) > 0 THEN
    RETURN QUERY SELECT last, lost || behind, cardinality(behind) > 0;
    RETURN;
  END IF;
  INSERT INTO ${at('stale')} (view, id, body)
    SELECT v.view, c.id, d.body FROM ${at('views')} v CROSS JOIN unnest(ids) AS c(id)
      LEFT JOIN ${at('docs')} d ON d.id = c.id
    WHERE NOT v.view = ANY (own) ON CONFLICT DO NOTHING;
  INSERT INTO ${at('docs')} AS d (id, rev, seq, op, body)
    SELECT c.id, c.rev + 1, last + c.place, op, c.body::json
      FROM unnest(ids, revs, bodies) WITH ORDINALITY AS c(id, rev, body, place)
    ON CONFLICT (id) DO UPDATE SET rev = excluded.rev, seq = excluded.seq, op = excluded.op, body = excluded.body;
  last := last + cardinality(ids);
  UPDATE ${at('head')} h SET seq = last;${CHANGE_ROWS(at)}
  RETURN QUERY SELECT last, lost, false;
END `,
  },
  /** Brings rows up to date with documents that others wrote. `false`: others did so, or changed a document. */
  fold: {
    takes: `own integer[], ids text[], revs bigint[], sv integer[], si text[], ${ROWS}`,
    returns: 'boolean',
    body: (at) => `#variable_conflict use_column
DECLARE last bigint; lost text[]; seen bigint := 0; folded bigint;
BEGIN${LOCK(at)}${MOVED(at)}
  SELECT count(*) INTO folded FROM ${at('stale')} s JOIN unnest(sv, si) AS x(view, id) ON s.view = x.view AND s.id = x.id;
  IF cardinality(lost) > 0 OR folded <> cardinality(sv) THEN
    RETURN false;
  END IF;
  DELETE FROM ${at('stale')} s USING unnest(sv, si) AS x(view, id) WHERE s.view = x.view AND s.id = x.id;${CHANGE_ROWS(at)}
  RETURN true;
END `,
  },
  /**
   * Enters a set of views. Those that are new, and those whose rows and counts do not agree, are to be made of every
   * document: how many are made anew.
   */
  install: {
    takes: 'mine text, names text[], hashes text[]',
    returns: 'TABLE (added bigint, mended bigint)',
    body: (at) => `#variable_conflict use_column
DECLARE last bigint; seen bigint := 0; own integer[] := '{}'; fresh integer[]; wrong integer[];
BEGIN${LOCK(at)}
  WITH entered AS (
    INSERT INTO ${at('views')} (view, name, hash)
      SELECT coalesce((SELECT max(v.view) FROM ${at('views')} v), 0) + x.place, x.name, x.hash
        FROM unnest(names, hashes) WITH ORDINALITY AS x(name, hash, place)
      ON CONFLICT (name, hash) DO NOTHING RETURNING view)
  SELECT coalesce(array_agg(view), '{}') INTO fresh FROM entered;
  own := ARRAY(SELECT v.view FROM ${at('views')} v JOIN unnest(names, hashes) AS x(name, hash)
    ON v.name = x.name AND v.hash = x.hash ORDER BY v.view);
  wrong := ARRAY(SELECT v FROM unnest(own) AS v WHERE (SELECT count(*) FROM ${at('rows')} r WHERE r.view = v) <>
    coalesce((SELECT g.rows FROM ${at('reduced')} g WHERE g.view = v AND g.level = 0), 0));
  DELETE FROM ${at('rows')} r WHERE r.view = ANY (wrong);
  DELETE FROM ${at('reduced')} g WHERE g.view = ANY (wrong);
  DELETE FROM ${at('stale')} s WHERE s.view = ANY (wrong);
  INSERT INTO ${at('stale')} (view, id) SELECT v, d.id FROM unnest(fresh || wrong) AS v CROSS JOIN ${at('docs')} d
    WHERE d.body IS NOT NULL;
  INSERT INTO ${at('sets')} (id, views) VALUES (mine, own) ON CONFLICT (id) DO UPDATE SET views = excluded.views;
  RETURN QUERY SELECT cardinality(fresh)::bigint, cardinality(wrong)::bigint;
END `,
  },
  /** Removes the other sets, and the views that no set uses then. */
  prune: {
    takes: 'mine text',
    returns: 'void',
    body: (at) => `#variable_conflict use_column
DECLARE last bigint; seen bigint := 0; own integer[] := '{}'; gone integer[];
BEGIN${LOCK(at)}
  DELETE FROM ${at('sets')} s WHERE s.id <> mine;
  gone := ARRAY(SELECT v.view FROM ${at('views')} v WHERE NOT EXISTS (SELECT FROM ${at('sets')} s WHERE v.view = ANY (s.views)));
  DELETE FROM ${at('rows')} r WHERE r.view = ANY (gone);
  DELETE FROM ${at('reduced')} g WHERE g.view = ANY (gone);
  DELETE FROM ${at('stale')} s WHERE s.view = ANY (gone);
  DELETE FROM ${at('views')} v WHERE v.view = ANY (gone);
END `,
  },
} satisfies Readonly<Record<string, Source>>;

export type FunctionName = keyof typeof SOURCES;

interface StoreFunction {
  readonly name: string;
  readonly body: string;
  readonly create: string;
}

/** A store's functions, as this version of dflow has them in a schema. */
export function functionsOf(schema: string): Readonly<Record<FunctionName, StoreFunction>> {
  const at = (name: string): string => named(schema, name);
  const made = (kind: FunctionName): StoreFunction => {
    const { takes, returns, body } = SOURCES[kind];
    const text = body(at);
    const hash = createHash('sha256').update(`${takes}\n${returns}\n${text}`).digest('hex').slice(0, 8);
    const name = `${kind}_${hash}`;
    const create = `CREATE OR REPLACE FUNCTION ${at(name)} (${takes}) RETURNS ${returns} LANGUAGE plpgsql AS $dflow$${text}$dflow$;`;
    return { name, body: text, create };
  };
  return { apply: made('apply'), fold: made('fold'), install: made('install'), prune: made('prune') };
}
