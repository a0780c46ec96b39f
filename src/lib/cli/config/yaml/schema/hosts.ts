// Keys about hosts and people: which host runs which loops, and who is told of what.
import * as z from 'zod/mini';
import { TROUBLES } from '../../../../domain/notify/problem.ts';
import { duration, name, oneOrMany, positive, runRange, share, text } from '../values.ts';
import { key, needed } from './key.ts';

/** A loop of a host; a name alone (`register`) says what it runs. */
const loop = z.strictObject({
  run: key(z.union([text, z.array(text)]), 'Command that the loop runs, without the word dflow.', {
    example: 'submit --order newest',
    without: 'the command with the name of the loop',
  }),
  every: key(duration, 'Time between the beginnings of two rounds.', {
    example: '5m',
    without: 'each step has its own',
  }),
  jitter: key(share, 'Share by which the time varies, so that hosts do not ask at the same moment.', {
    example: '0%',
    default: '10%',
  }),
  exclusive: key(name, 'Name of a turn: of all loops with this name, on all hosts, one runs at a time.', {
    example: 'notify',
    without: 'it runs whatever others do',
  }),
  on: key(z.boolean(), 'false stops the loop without taking it out of the file.', {
    example: 'false',
    default: 'true',
  }),
});

export const host = z.strictObject({
  farm: key(name, 'Farm of this host, for which it submits and monitors.', {
    example: 'cedar',
    without: 'the first farm',
  }),
  loops: key(
    z.union([z.array(name), z.record(name, z.nullable(loop))]),
    'Loops of this host: a list of steps, or names with settings.',
    { example: '[register, transfer, purge]', without: 'every step but purge' },
  ),
});

export const notifyRule = z.strictObject({
  on: needed(oneOrMany(z.enum([...TROUBLES, 'all'])), 'Kinds of trouble that are told.', '[failed, buffer]'),
  runs: key(oneOrMany(runRange), 'Only trouble of these runs.', { example: '109100-', without: 'every run' }),
  modules: key(oneOrMany(text), 'Only trouble of these modules; * matches any text.', {
    example: 'Analysis*',
    without: 'every module',
  }),
  farms: key(oneOrMany(text), 'Only trouble of these farms; * matches any text.', {
    example: 'cedar',
    without: 'every farm',
  }),
  mail: key(oneOrMany(text), 'Addresses that get a mail; smtp names the server.', {
    example: 'shift@example.org',
    without: 'no mail',
  }),
  command: key(text, 'Command that gets the message as standard input.', { example: './page.sh', without: 'none' }),
  quiet: key(text, 'Hours in which only urgent trouble is told.', { example: '22:00-07:00', without: 'none' }),
  urgent: key(oneOrMany(z.enum(TROUBLES)), 'Kinds that are told in the quiet hours, too.', {
    example: '[buffer, silent]',
    without: 'buffer, credentials and store',
  }),
  every: key(duration, 'Least time between two messages of the rule; later trouble is gathered.', {
    example: '1 h',
    default: '15 min',
  }),
  repeat: key(duration, 'Time after which trouble that goes on is told again.', { example: '3 d', default: '24 h' }),
  days: key(positive, 'Days until a buffer is full, at the rate of the last day, below which it is told.', {
    example: '3',
    without: 'only a buffer that is nearly full is told',
  }),
});

export const smtp = z.strictObject({
  host: needed(text, 'Mail server.', 'localhost'),
  port: key(positive, 'Port of the server.', { example: '587', without: '465 for tls, 587 for starttls, else 25' }),
  from: key(text, 'Address of the sender.', { example: 'dflow@example.org', without: 'the user dflow of this host' }),
  user: key(text, 'Login name.', { example: 'dflow', without: 'no login' }),
  passwordCommand: key(text, 'Command whose first line is the password of the user.', {
    example: 'pass show dflow-mail',
    without: 'the password is in the credentials file',
  }),
  tls: key(z.enum(['tls', 'starttls', 'none']), 'tls from the first byte, starttls always, or none.', {
    example: 'starttls',
    without: 'starttls where the server has it; tls on port 465',
  }),
  ca: key(text, 'File of certificates (PEM) that may sign for the server, such as a self-signed one.', {
    example: '/etc/ssl/certs/mail.pem',
    without: 'the authorities that Node knows',
  }),
  timeout: key(duration, 'Time that the server has for an answer.', { example: '1 min', default: '20 s' }),
});
