// A farm: a place that runs jobs. Its allocation (the jobs locked to it) is a view, not a list in this document.

import type { Iso } from '../../util/time.ts';
import type { Doc } from '../doc.ts';

/** Who the batch system says it is and who we are there: a wrong one answers every query with success and nothing. */
export interface Identity {
  readonly cluster: string;
  readonly user: string;
}

export interface FarmDoc extends Doc {
  readonly kind: 'farm';
  readonly site: string;
  readonly backend: string;
  /** Bumped by unlock or giveUp: permits another site to take over, one job at a time. */
  readonly epoch: number;
  /** Empty after `farm unlock`: whatever batch system answers next is the one. */
  readonly identity: Identity;
  readonly heartbeat: Iso;
  readonly host: string;
  readonly slots: number;
  /** Software versions installed; absent: nobody said. */
  readonly versions?: readonly string[];
}

/** Written before anything is submitted: which subjob each index of the claim is. */
export interface ClaimDoc extends Doc {
  readonly kind: 'claim';
  readonly site: string;
  readonly epoch: number;
  readonly nonce: string;
  readonly at: Iso;
  readonly by: string;
  /** When the jobs had been claimed with it; whoever wants to remove it must have seen this. */
  readonly taken?: Iso;
  /** `[job id, subjob index]` by index of the claim. */
  readonly refs: readonly (readonly [string, number])[];
  /** Indexes of superseded attempts that the batch system has confirmed to be no more. */
  readonly settled?: readonly number[];
  /** Superseded attempts of which nothing was seen and nobody says that they ended, by index: since when. */
  readonly unseen?: Readonly<Record<string, Iso>>;
}

/** The right to do something alone, for as long as it is renewed. Ended holders leave it behind; it is taken over. */
export interface LeaseDoc extends Doc {
  readonly kind: 'lease';
  readonly what: string;
  readonly host: string;
  readonly nonce: string;
  /** The holder's process (util/processes/identity.ts). */
  readonly holder?: string;
  /** `person@host (command)` */
  readonly by: string;
  readonly since: Iso;
  readonly renewed: Iso;
  /** Of turns: grows with each holder. */
  readonly number?: number;
  /** Of turns: the holder gave it back then; who waited comes first. */
  readonly released?: Iso;
  /** Of turns: hosts that ask for it, since when, and when they asked last. */
  readonly waiting?: Readonly<Record<string, { readonly since: Iso; readonly seen: Iso }>>;
}

/** A loop's sign of life on one host. */
export interface LoopDoc extends Doc {
  readonly kind: 'loop';
  readonly host: string;
  readonly loop: string;
  readonly at: Iso;
  readonly hash: string;
  /** Hashes of the settings that every host must have alike, by key. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly outcome: string;
  /** What the failure names as its remedy. */
  readonly next?: string;
  /** Of a step that `dflow loop` runs: what is planned, and how its last round ended. */
  readonly plan?: LoopPlan;
}

/** How a loop is meant to run, and its last round. */
export interface LoopPlan {
  /** Words of the dflow command. */
  readonly command: string;
  /** Milliseconds between the beginnings of two rounds. */
  readonly every: number;
  /** Share of `every` by which rounds vary. */
  readonly jitter: number;
  /** The lease that a round must hold. */
  readonly exclusive?: string;
  readonly pid: number;
  /** The process (util/processes/identity.ts), where the system tells. */
  readonly holder?: string;
  /** When the loop was started. */
  readonly since: Iso;
  /** How often it had died in a row by then, as whoever starts it again says. */
  readonly deaths?: number;
  /** The last round ended then; while one is under way, its last sign of life. */
  readonly at: Iso;
  /** When the next round, or sign of life, is expected. */
  readonly due: Iso;
  /** Of a long round that is under way. */
  readonly began?: Iso;
  /** How the last round ended; absent when it was killed. */
  readonly exit?: number;
  /** Milliseconds that the last round took. */
  readonly took?: number;
  /** Ended by a signal, or switched off. */
  readonly stopped?: Iso;
}
