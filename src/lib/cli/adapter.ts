// What the list of adapters holds of each: enough to read a configuration, without loading one that nobody named.

/** A program that an adapter starts. */
export interface AdapterTool {
  readonly program: string;
  /** Shell text that prints its version; `"$1"` is the program. */
  readonly version: string;
  /** How a person gets it. */
  readonly install: string;
  /** Option of a farm that names another program. */
  readonly option?: string;
}

interface Adapter<Module> {
  readonly tools?: readonly AdapterTool[];
  /** Schemes of the addresses that it is for; absent: its own name. */
  readonly schemes?: readonly string[];
  /** Those of its schemes whose servers show X.509 certificates, or ask for one. */
  readonly x509?: readonly string[];
  /** A protocol whose address is a mounted folder. */
  readonly mounted?: boolean;
  load(): Promise<Module>;
}

export type Adapters<Module> = Readonly<Record<string, Adapter<Module>>>;

/** The name of the adapter for addresses of a scheme. */
export function nameForScheme(adapters: Adapters<unknown>, scheme: string): string | undefined {
  return Object.keys(adapters).find((name) => (adapters[name]?.schemes ?? [name]).includes(scheme));
}

/** Every scheme that some adapter is for. */
export function schemesOf(adapters: Adapters<unknown>): string[] {
  return Object.entries(adapters).flatMap(([name, adapter]) => adapter.schemes ?? [name]);
}
