// The configuration after validation and defaults: what flow, adapters and rendering read.
// How it is found, parsed and explained is the business of cli/config.
import type { ChainStep, HostPlan, PlannedLoop } from './farms/hostplan.ts';
import type { FirstPassJob } from './firstpass/firstpassjob.ts';
import type { PolicyRule } from './jobs/policyrule.ts';
import type { BadModules } from './modules/badmodules.ts';
import type { ModuleFile } from './modules/modules.ts';
import type { NotifyRule } from './notify/rule.ts';
import type { EfficiencyRules } from './storage/efficiency.ts';
import type { QueryName } from './tables/tablequeries.ts';

export interface BufferSettings {
  readonly level: string;
  /** Absolute folder. */
  readonly path: string;
  /** File-name pattern: `SNOP_{run:10}_{subrun:3}.zdab`. */
  readonly pattern: string;
  /** `marker`: an empty `<name>_closed` beside it; `settled`: size and mtime unchanged for `settle` ms. */
  readonly closed: 'marker' | 'settled';
  readonly settle: number;
  /** Globs of file names that are never looked at. Sidecars such as `NAME.md5` need none. */
  readonly ignore?: readonly string[];
  /** Share of runs kept, 0..1. */
  readonly keep: number;
  /** Raw format that the run number and mask can be read from. */
  readonly format?: 'zdab';
}

export interface StorageSettings {
  readonly name: string;
  /** Folder in protocols/. */
  readonly protocol: string;
  /** Its files are on this machine, below the folder `url`. */
  readonly mounted?: boolean;
  /** Absolute folder or URL. */
  readonly url: string;
  readonly tape: boolean;
  /** Path template of raw files below the url: `{level}/{run/1000}/{name}`. */
  readonly template: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface FarmSettings {
  readonly name: string;
  /** Folder in backends/. */
  readonly backend: string;
  /** Jobs running at most (local) or in the batch system at most. */
  readonly slots: number;
  /** Jobs handed over ahead of free slots. */
  readonly pending: number;
  /** Storage elements that outputs go to: the first, then the failovers. */
  readonly output: readonly string[];
  /** Storage elements whose files its jobs can read. */
  readonly reads: readonly string[];
  /** By version: shell text that sets up the software release. */
  readonly setup: Readonly<Record<string, string>>;
  /** Versions installed there; absent: every one. */
  readonly versions?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, unknown>>;
}

/** Copies or moves outputs of completed passes. */
export interface OutputRule {
  /** Module; absent: every module. */
  readonly module?: string;
  /** Type of output; absent: every type. */
  readonly type?: string;
  /** Storage elements that shall have a copy. */
  readonly to: readonly string[];
  /** False: what is elsewhere is removed once every element of `to` has a copy that was checked again. */
  readonly keep: boolean;
}

/** Jobs that match every field that is there go to `farms` and nowhere else. */
export interface RouteRule {
  /** Glob. */
  readonly module?: string;
  /** Glob. */
  readonly version?: string;
  /** Inclusive run ranges. */
  readonly runs?: readonly (readonly [number, number])[];
  readonly label?: string;
  /** Passes that every run gets, or those of requests; absent: both. */
  readonly work?: 'automatic' | 'request';
  readonly farms: readonly string[];
}

/** A database of run tables. */
export interface RunTablesSettings {
  /** `postgres://host/ratdb`. */
  readonly source: string;
  /** The database that knows run types and times, where it is another one. */
  readonly detector?: string;
  /** False: it is only read. */
  readonly writeBack: boolean;
  readonly queries: Readonly<Record<QueryName, string>>;
}

/** The mail server of notify. */
export interface SmtpSettings {
  readonly host: string;
  readonly port: number;
  readonly from?: string;
  /** User to log in as; absent: no login. */
  readonly user?: string;
  /** A command that prints the password; absent: the credentials file has it. */
  readonly passwordCommand?: string;
  /** File of the certificate authorities that may sign for the server; absent: those that Node knows. */
  readonly ca?: string;
  /** `tls` from the first byte, `starttls` or nothing, `none` never; absent: starttls where the server has it. */
  readonly tls?: 'tls' | 'starttls' | 'none';
  /** Milliseconds. */
  readonly timeout: number;
}

/** The catalogue of the collaboration: Rucio. */
export interface CatalogueSettings {
  /** Folder in catalogues/. */
  readonly kind: string;
  /** Address without a `/` at its end. */
  readonly url: string;
  readonly account: string;
  readonly auth:
    | { readonly by: 'user'; readonly user: string }
    | { readonly by: 'proxy'; readonly path: string }
    | { readonly by: 'token'; readonly path: string };
  /** `{experiment}` and `{level}` stand for names. */
  readonly scope: string;
  /** By storage element: what the catalogue calls it, and what physical names there begin with. */
  readonly places: Readonly<Record<string, { readonly name: string; readonly url: string }>>;
  /** Jobs wait until their inputs are registered. */
  readonly gate: boolean;
  /** Milliseconds that the server has for an answer. */
  readonly timeout: number;
  /** File with the certificates that servers are checked against; absent: those of the system. */
  readonly ca?: string;
  /** Path of the configuration file. */
  readonly file: string;
}

export interface Settings {
  readonly experiment: string;
  /** Folder of the configuration file. */
  readonly folder: string;
  /** Path of the configuration file. */
  readonly file: string;
  /** `sqlite:PATH` or `http(s)://host/db`. */
  readonly store: string;
  readonly buffers: readonly BufferSettings[];
  /** In order: the first is the primary. */
  readonly storages: readonly StorageSettings[];
  readonly copies: { readonly raw: number; readonly purgeAfter: number };
  readonly runs: {
    /** Milliseconds without a new file after which the last run is complete. */
    readonly quiet: number;
    /** A run further than this beyond the last one is quarantined. */
    readonly maxJump: number;
    readonly first: number;
    readonly last: number;
    /** What a late subrun does to a processed run: `show` it, or make a new `pass`. */
    readonly late: 'show' | 'pass';
    /** Suffix of a file that declares the run ended, if the builder writes one: `run{run:10}.end`. */
    readonly endMarker?: string;
    /** Run type names by bit. */
    readonly types: readonly string[];
    /** Types that put a calibration hold. */
    readonly calibration: readonly string[];
  };
  readonly tables: {
    /** Names of tables without which a run is not processed. */
    readonly required: readonly string[];
    /** By run type: further tables without which a run of this type is not processed. */
    readonly requiredBy?: Readonly<Record<string, readonly string[]>>;
    /** Milliseconds that a run must have lasted to be processed automatically. */
    readonly minimum?: number;
    /** Command run once per new run on site; prints RATDB tables (first pass). */
    readonly command?: string;
    /** Jobs of the first pass in place of the command, each after those that it needs. */
    readonly jobs?: readonly FirstPassJob[];
    // The database that has the tables; without a source they are in dflow's own store.
  } & Partial<RunTablesSettings>;
  readonly transfer: {
    /** Files copied at once per level, over all hosts. */
    readonly parallel: number;
    /** Files copied at once to one storage element, over all hosts. */
    readonly perStorage: number;
    /** Bytes per second at most, over all copies of one call. */
    readonly bandwidth?: number;
    /** Milliseconds a claimed replica slot is good for without renewal. */
    readonly lease: number;
    readonly retry: number;
  };
  readonly purge: {
    /** Share of the buffer's disk to be free; without it everything that may go is deleted. */
    readonly untilFree?: number;
    /** Copies of each file that are read byte by byte before it is deleted; the others are asked for their checksum. */
    readonly reads: number;
    /** Milliseconds after completion of the run before data that the keep rule left out are deleted. */
    readonly sampledAfter: number;
    /** Milliseconds that a file stays in the trash before it is deleted. */
    readonly trash: number;
  };
  readonly verify: {
    /** Share of a storage element's checked copies being bad at once that is a site fault, not lost data. */
    readonly fault: number;
  };
  readonly notify: { readonly rules: readonly NotifyRule[] };
  readonly smtp?: SmtpSettings;
  /** When too many transfers to a storage element fail. */
  readonly efficiency: EfficiencyRules;
  readonly breaker: {
    /** Failed calls in a row, of one cause, after which a storage element is set aside. */
    readonly failures: number;
    /** Milliseconds it is set aside for; doubles each time. */
    readonly aside: number;
  };
  /** Where outputs of completed passes are copied to: each rule that matches one. */
  readonly outputs: readonly OutputRule[];
  /** When a kind of job (module and version) is held at a site because most attempts there fail with one cause. */
  readonly siteFault: {
    /** Share of the recent attempts of that kind there, 0..1. */
    readonly share: number;
    /** Failures with that cause at least. */
    readonly minimum: number;
    /** Milliseconds that count as recent. */
    readonly window: number;
    /** Milliseconds that it is held for. */
    readonly hold: number;
  };
  readonly farms: readonly FarmSettings[];
  /** Which jobs go to which farm; the first rule that matches decides. */
  readonly routing: readonly RouteRule[];
  /** Farm of this host. */
  readonly farm: string;
  readonly automatic: {
    readonly version?: string;
    readonly level: string;
    readonly from: number;
    /** Last run; absent: there is none. */
    readonly until?: number;
    /** Share of free slots for automatic work, 0..1; what one kind leaves flows to the other. */
    readonly share: number;
  };
  /** By version. */
  readonly modules: Readonly<Record<string, ModuleFile>>;
  /** Module files with mistakes; none of their versions is among `modules`. */
  readonly badModules: readonly BadModules[];
  readonly policy: readonly PolicyRule[];
  readonly limits: {
    /** Milliseconds between the two polls that must both miss a job before it is gone. */
    readonly grace: number;
    /** Milliseconds after which a claim that was never recorded is put back. */
    readonly submitting: number;
    readonly giveUp: number;
    /** A site's heartbeat older than this is stale. */
    readonly stale: number;
    /** Share of a site's active jobs vanishing at once that is a site fault. */
    readonly vanish: number;
  };
  /** Hosts that run loops, in order; empty where the configuration names none, and any host may run them. */
  readonly hosts: readonly HostPlan[];
  /** Loops of this host, when the configuration names it. */
  readonly plan?: readonly PlannedLoop[];
  /** Steps of `chain` on this host, in order. */
  readonly loops: readonly ChainStep[];
  readonly credentials?: {
    /** Shell command that prints the seconds left: `voms-proxy-info -timeleft`. */
    readonly check?: string;
    /** File with a bearer token. */
    readonly token?: string;
    /** Shell command that is tried once when they have expired. */
    readonly renew?: string;
    /** Milliseconds left below which a person is warned. */
    readonly warn: number;
  };
  /** Absent: none is told of anything. */
  readonly catalogue?: CatalogueSettings;
  /** Hash over configuration and module files. */
  readonly hash: string;
}
