// Modules of each software version: `list modules`, `module check`.
import type { ModuleFile, ModuleLevel } from '../../../domain/modules/modules.ts';
import type { ReadPorts } from '../../ports.ts';
import type { Row, Rows } from './row.ts';

/** A module of one software version. */
export interface ModuleRow extends Row<'module'> {
  readonly version: string;
  /** Names of the modules that must be completed before. */
  readonly needs: readonly string[];
  readonly level: ModuleLevel;
  /** Types of its outputs. */
  readonly outputs: readonly string[];
  /** Run types that ask for it. */
  readonly runTypes: readonly string[];
  /** Its command. */
  readonly run: string;
  readonly macro?: string;
  /** Names of its parameters. */
  readonly parameters?: readonly string[];
}

export async function* allModuleRows(ports: ReadPorts): Rows<ModuleRow> {
  for (const file of Object.values(ports.settings.modules)) yield* moduleRows(file);
}

/** The modules of one software version. */
export function moduleRows(file: ModuleFile): ModuleRow[] {
  return Object.values(file.modules).map((module) => ({
    kind: 'module',
    ref: module.name,
    version: file.version,
    needs: module.needs,
    level: module.level,
    outputs: Object.keys(module.outputs),
    runTypes: Object.entries(file.runTypes).flatMap(([type, names]) => (names.includes(module.name) ? type : [])),
    run: module.run,
    ...(module.macro ? { macro: module.macro.name } : {}),
    ...(module.parameters ? { parameters: Object.keys(module.parameters) } : {}),
  }));
}
