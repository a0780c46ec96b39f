import { Args, Flags } from '@oclif/core';
import { ofHosts } from '../lib/cli/arguments/flags.ts';
import { Base } from '../lib/cli/base.ts';
import { mustBeNamed } from '../lib/cli/hosts/namedhost.ts';
import { commandIdOf, loopFrom } from '../lib/cli/loop/command.ts';
import { supervise } from '../lib/cli/loop/supervise.ts';
import { Told } from '../lib/cli/loop/told.ts';
import { hostOf } from '../lib/cli/ports.ts';
import { plainPlan } from '../lib/domain/farms/hostplan.ts';
import { loopId } from '../lib/domain/ids.ts';
import { forgetLoop } from '../lib/flow/farms/forgetloop.ts';

export default class Loop extends Base {
  static override summary = 'Run a command again and again, with one line a round';
  static override description =
    'Runs rounds of a command, each as a process of its own, which reads the configuration again. One line tells of a round; rounds that end as the one before are counted. While the store, a batch system, a storage element or credentials are away (exit codes 3, 4, 5), or the configuration is wrong (2), rounds become rarer, up to 15 minutes apart. TERM, INT and HUP stop the loop after the item in hand (exit 0), a second signal at once. A loop that HUP has stopped is missed, since its terminal is gone. USR2 begins the next round now. The loop runs once on each host. With --exclusive, a round begins when its host has the turn; a round that was stopped for longer than `limits.stale` has lost its turn and writes nothing more. When another build of dflow is installed, the loop ends between two rounds with exit 75: whoever watches the loop starts it again. `dflow status` tells when a loop fails or is silent.';
  static override examples = [
    '<%= config.bin %> <%= command.id %> --every 15m -- register',
    '<%= config.bin %> <%= command.id %> --exclusive enqueue -- enqueue',
    '<%= config.bin %> <%= command.id %> --forget register --host buffer1',
    '<%= config.bin %> <%= command.id %> --name submit-cedar -- submit --site cedar --order newest',
  ];
  static override exits = [0, 2, 3, 4, 5, 75];
  static override strict = false;
  static override args = {
    command: Args.string({ description: 'command of dflow with its flags, after --', ignoreStdin: true }),
  };
  static override flags = {
    ...ofHosts,
    every: Flags.string({
      description: 'time between the beginnings of two rounds (default: what `hosts` says, else that of the step)',
      helpValue: '15m',
    }),
    jitter: Flags.string({ description: 'share by which this time varies (default: 10%)', helpValue: '10%' }),
    name: Flags.string({ description: 'name of the loop (default: the command)', helpValue: 'NAME' }),
    once: Flags.boolean({
      description:
        'one round, for cron; exit 75 when the loop already runs; an exclusive loop waits for its turn until the next round is due',
    }),
    exclusive: Flags.string({
      description: 'one round at a time among all loops with this NAME, on any host; hosts take turns',
      helpValue: 'NAME',
    }),
    show: Flags.boolean({ description: 'show what each round prints' }),
    forget: Flags.string({
      description: 'forget this loop, which is gone for good: nobody misses it any more',
      helpValue: 'NAME',
      exclusive: ['every', 'jitter', 'name', 'exclusive', 'show', 'once', 'here'],
    }),
    host: Flags.string({
      description: 'with --forget: host of the loop (default: this host)',
      helpValue: 'HOST',
      dependsOn: ['forget'],
    }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Loop);
    if (flags.forget !== undefined)
      return this.items(forgetLoop(await this.ports(true), flags.forget, flags.host ?? hostOf()));
    const settings = await this.settings();
    const which = flags.name === undefined ? '-- register' : `--name ${flags.name}`;
    if (argv.length === 0 && !flags.here) mustBeNamed(settings, hostOf(), `loop ${which}`);
    const plan = settings.plan ?? (flags.here ? plainPlan(settings.loops) : []);
    const loop = loopFrom(argv.map(String), flags, plan, this.config.commandIDs);
    const ofHost = this.isOfHosts(loop.run);
    const here = flags.here || loop.run.includes('--here');
    if (ofHost && !here) mustBeNamed(settings, hostOf(), `loop -- ${loop.run.join(' ')}`);
    const told = new Told(this.out, loopId(hostOf(), loop.name), loop);
    const exit = await supervise({
      settings,
      host: hostOf(),
      loop,
      flags,
      root: this.config.root,
      more: [
        ...(flags.config === undefined ? [] : ['--config', flags.config]),
        ...(flags.here && ofHost ? ['--here'] : []),
      ],
      show: flags.show,
      once: flags.once,
      say: (did, text) => told.say(did, text),
      tell: (round) => told.round(round),
    });
    // Connections to a store that does not answer would keep the process.
    process.exit(exit);
  }

  /** Whether the command of a round runs on the hosts of the configuration only. */
  private isOfHosts(run: readonly string[]): boolean {
    const id = commandIdOf(run, this.config.commandIDs);
    return id !== undefined && this.config.findCommand(id)?.flags.here !== undefined;
  }
}
