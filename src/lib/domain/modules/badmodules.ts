// A module file that cannot be used: passes of its version are neither made nor submitted until somebody corrects it, and
// everything else goes on.

export interface BadModules {
  readonly version: string;
  /** Path of the file. */
  readonly path: string;
  /** The first mistake with its place, and how many more there are. */
  readonly text: string;
  /** Files of its modules, as far as they could be read: they are dflow's own wherever they lie. */
  readonly files: readonly string[];
}

/** What a person must do: no command can. */
export function correction({ path, version }: Pick<BadModules, 'path' | 'version'>): string {
  return `correct ${path}, then: dflow module check ${version}`;
}

/** The file of a version, where it is one of those that cannot be used. */
export function badOf(
  { badModules }: { readonly badModules: readonly BadModules[] },
  version: string | undefined,
): BadModules | undefined {
  return badModules.find((file) => file.version === version);
}
