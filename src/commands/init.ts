import { Command, Flags } from '@oclif/core';
export default class Init extends Command {
  static override description = 'test';
  static override flags = { x: Flags.string({ description: 'x' }) };
  async run(): Promise<void> {
    this.log('hi');
  }
}
