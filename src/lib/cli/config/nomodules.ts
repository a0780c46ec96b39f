// An experiment without a module file: said in one voice.
import { UsageError } from '../../util/errors.ts';

/** @throws UsageError when no version is defined */
export function needModules({ modules, folder }: { readonly modules: object; readonly folder: string }): void {
  if (Object.keys(modules).length > 0) return;
  const hint = `write ${folder}/modules/1.0.yaml (its keys: man dflow-modules), then: dflow module check`;
  throw new UsageError('no module file, so no job is ever made', { where: `${folder}/modules`, hint });
}
