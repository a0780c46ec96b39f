// A run: a numbered period of data taking. Its document freezes what the run consists of once it is complete.

import type { Iso } from '../../util/time.ts';
import type { Doc, HistoryEntry } from '../doc.ts';

/** Why one level of a run counts as complete, frozen at that moment. */
interface Completion {
  readonly at: Iso;
  /** Subrun numbers, ascending, without a gap. */
  readonly subruns: readonly number[];
  /** What showed it: `109135 seen`, `end marker`, `quiet for 10m`, `declared by ...`. */
  readonly evidence: string;
}

export interface RunLevel {
  readonly complete?: Completion;
  /** What keeps it open, in words: `subrun 001 missing`, `SNOP_..._002.zdab still open`. Empty when complete. */
  readonly blocked?: string;
  /** When a file of this level last turned up here, by the store's clock. */
  readonly lastFile: Iso;
  /** Its files were copied here, longer after they were written than runs pause. */
  readonly copied?: true;
  /** Names of files that turned up after completion. */
  readonly late: readonly string[];
  /** Number of files registered. */
  readonly files: number;
}

/** What enqueue decided for automatic processing of the run, per version. */
interface AutomaticDone {
  readonly at: Iso;
  readonly modules: readonly string[];
  /** Set where the run was left out, by this gate: it is decided again when the gate is met. */
  readonly left?: string;
}

export interface RunDoc extends Doc {
  readonly kind: 'run';
  readonly run: number;
  /** Run type bit mask, where known (from the raw header, a run table, or a command). */
  readonly mask?: number;
  readonly maskFrom?: string;
  readonly levels: Readonly<Record<string, RunLevel>>;
  /** By software version: automatic passes were made. Absent: still to do. */
  readonly automatic?: Readonly<Record<string, AutomaticDone>>;
  /** Given by people; its passes have them too. */
  readonly labels?: readonly string[];
  readonly firstSeen: Iso;
  readonly notes?: readonly { at: Iso; by: string; text: string }[];
  readonly history: readonly HistoryEntry[];
}

/** Whether a run is among those that get passes without being asked for. */
export function isAutomatic({ from, until }: { readonly from: number; readonly until?: number }, run: number): boolean {
  return run >= from && (until === undefined || run <= until);
}

/** A file that could not be placed: visible, harmless, never processed. */
export interface QuarantineDoc extends Doc {
  readonly kind: 'quarantine';
  readonly level: string;
  /** File name as text; bytes that are not UTF-8 are shown as `%XX`. */
  readonly name: string;
  readonly run?: number;
  /** Of a file with other content than is registered in its place. */
  readonly subrun?: number;
  readonly reason:
    | 'beyond-max-jump'
    | 'out-of-range'
    | 'unparsable-name'
    | 'empty'
    | 'other-content'
    /** Other content than is registered, where the registered file lies or lay. */
    | 'new-version'
    /** It lies still, but nobody can have written it at its time: an interrupted copy, or a wrong clock. */
    | 'odd-time'
    /** The same content as a registered file, under another path: harmless, but it fills the buffer. */
    | 'duplicate'
    | 'damaged'
    /** Tables that a job produced and that do not parse. */
    | 'bad-tables'
    /** The documents of its run are in a file. */
    | 'archived'
    | 'operator';
  readonly detail: string;
  readonly size?: number;
  /** Modification time on the buffer: an unchanged file is not read again. */
  readonly modified?: Iso;
  readonly at: Iso;
}
