// Rules of the configuration that can never match: they name a module, a version or a type of output that nobody has.
import { globMatch } from '../../../../../domain/hold.ts';
import type { OutputRule, RouteRule, Settings } from '../../../../../domain/settings.ts';
import { counted } from '../../../../../util/text/counted.ts';
import { nearest } from '../../../../../util/text/near.ts';
import { type Check, type Finding, failed, ok } from '../../check.ts';

export const check: Check = {
  name: 'rules',
  group: 'configuration',
  offline: true,
  about: [
    {
      ref: 'rules/outputs',
      looks: 'Whether each rule of `outputs:` names a module and a type of output that exist.',
      means: 'The rule never matches, so files go elsewhere than was meant.',
      mends: 'Write the right name, which is proposed, or take the rule out of `outputs:`.',
    },
    {
      ref: 'rules/routing',
      looks: 'Whether each rule of `routing:` names a module and a version that exist.',
      means: 'The rule never matches, so jobs go to other farms than was meant.',
      mends: 'Write the right name, which is proposed, or take the rule out of `routing:`.',
    },
  ],
  looks: ({ settings }) => [
    { subject: 'outputs', look: async () => all('outputs', settings.outputs, (rule) => ofOutput(rule, settings)) },
    { subject: 'routing', look: async () => all('routing', settings.routing, (rule) => ofRoute(rule, settings)) },
  ],
};

function all<R>(what: string, rules: readonly R[], wrong: (rule: R) => Finding[]): readonly Finding[] {
  const found = rules.flatMap(wrong);
  if (found.length > 0) return found;
  return [ok(rules.length === 0 ? 'none' : `${counted(rules.length, 'rule')}, each names what exists`, what)];
}

function ofOutput({ module, type }: OutputRule, settings: Settings): Finding[] {
  const modules = defined(settings);
  if (module !== undefined && !modules.some(({ name }) => name === module))
    return [
      unknown(
        'outputs',
        'module',
        module,
        modules.map(({ name }) => name),
      ),
    ];
  const types = modules
    .filter(({ name }) => module === undefined || name === module)
    .flatMap(({ outputs }) => Object.keys(outputs));
  return type === undefined || types.includes(type) ? [] : [unknown('outputs', 'type of output', type, types)];
}

function ofRoute({ module, version }: RouteRule, settings: Settings): Finding[] {
  const names = defined(settings).map(({ name }) => name);
  const versions = [...Object.keys(settings.modules), ...settings.badModules.map((bad) => bad.version)];
  return [
    ...(module === undefined || names.some((name) => globMatch(module, name))
      ? []
      : [unknown('routing', 'module', module, names)]),
    ...(version === undefined || versions.some((one) => globMatch(version, one))
      ? []
      : [unknown('routing', 'version', version, versions)]),
  ];
}

const defined = ({ modules }: Settings) => Object.values(modules).flatMap((file) => Object.values(file.modules));

function unknown(rules: string, what: string, name: string, known: readonly string[]): Finding {
  const near = nearest(name, [...new Set(known)]);
  const fix =
    near === undefined ? `take the rule out of \`${rules}:\`` : `write ${near} instead of ${name} in \`${rules}:\``;
  return failed(`a rule is for ${what} '${name}', and no module file has it`, `${fix} in dflow.yaml`, rules);
}
