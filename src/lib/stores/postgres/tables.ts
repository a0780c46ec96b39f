// The tables of a PostgreSQL store and what keeps them in order: nobody changes a document but by its revision.

/** Version of the tables below. */
export const LAYOUT = 1;

/** What must be there for the layout to be whole. */
export const TABLES = ['meta', 'head', 'docs', 'views', 'sets', 'rows', 'reduced', 'stale'] as const;

/** The identifier of a table or function of a schema, whose name was checked. */
export const named = (schema: string, name: string): string => `"${schema}".${name}`;

/** Creates what is missing. Keys and ids sort byte by byte, whatever the database's own collation is. */
export function tablesOf(schema: string): string {
  const at = (name: string): string => named(schema, name);
  return `
CREATE TABLE IF NOT EXISTS ${at('meta')} (name text PRIMARY KEY, value text NOT NULL);
-- One row: the last change of the store. Whoever writes locks it for one statement, so changes become visible in order.
CREATE TABLE IF NOT EXISTS ${at('head')} (one boolean PRIMARY KEY DEFAULT true CHECK (one), seq bigint NOT NULL)
  WITH (fillfactor = 20);
INSERT INTO ${at('head')} (seq) VALUES (0) ON CONFLICT DO NOTHING;
-- One row for each document ever written; removed ones stay, without body, for the feed of changes and the revisions.
CREATE TABLE IF NOT EXISTS ${at('docs')} (id text COLLATE "C" PRIMARY KEY, rev bigint NOT NULL,
  seq bigint NOT NULL UNIQUE, op text NOT NULL, body json);
CREATE TABLE IF NOT EXISTS ${at('views')} (view integer PRIMARY KEY, name text NOT NULL, hash text NOT NULL,
  UNIQUE (name, hash));
-- One row for each version of dflow: the views that it uses.
CREATE TABLE IF NOT EXISTS ${at('sets')} (id text PRIMARY KEY, views integer[] NOT NULL);
CREATE TABLE IF NOT EXISTS ${at('rows')} (view integer NOT NULL, key text COLLATE "C" NOT NULL,
  id text COLLATE "C" NOT NULL, n integer NOT NULL, json text NOT NULL, value text NOT NULL,
  PRIMARY KEY (view, key, id, n));
CREATE TABLE IF NOT EXISTS ${at('reduced')} (view integer NOT NULL, level integer NOT NULL,
  key text COLLATE "C" NOT NULL, json text NOT NULL, rows bigint NOT NULL, value numeric NOT NULL,
  PRIMARY KEY (view, level, key)) WITH (fillfactor = 50);
-- Documents whose rows of a view are those of an older content, which is kept here: another version of dflow wrote them.
CREATE TABLE IF NOT EXISTS ${at('stale')} (view integer NOT NULL, id text COLLATE "C" NOT NULL, body json,
  PRIMARY KEY (view, id));
CREATE OR REPLACE FUNCTION ${at('refuse')}() RETURNS trigger LANGUAGE plpgsql AS $dflow$
BEGIN
  RAISE EXCEPTION 'documents of dflow are changed by dflow only: views and other processes follow their revisions';
END $dflow$;
CREATE OR REPLACE TRIGGER by_hand BEFORE UPDATE ON ${at('docs')} FOR EACH ROW
  WHEN (NEW.rev <> OLD.rev + 1 OR NEW.seq <= OLD.seq OR NEW.id <> OLD.id) EXECUTE FUNCTION ${at('refuse')}();
CREATE OR REPLACE TRIGGER never BEFORE DELETE OR TRUNCATE ON ${at('docs')}
  FOR EACH STATEMENT EXECUTE FUNCTION ${at('refuse')}();
CREATE OR REPLACE TRIGGER backwards BEFORE UPDATE ON ${at('head')} FOR EACH ROW
  WHEN (NEW.seq < OLD.seq) EXECUTE FUNCTION ${at('refuse')}();
INSERT INTO ${at('meta')} (name, value) VALUES ('layout', '${LAYOUT}') ON CONFLICT DO NOTHING;
`;
}
