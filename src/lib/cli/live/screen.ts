// The frame on the terminal, drawn by ink: only lines that have changed are written.
import { Box, type Instance, render, Text } from 'ink';
import { createElement as element, type ReactElement } from 'react';
import type { Frame } from './frame.ts';

/** The screen: tabs, fixed lines, the page, and a line for keys and questions. */
function Screen({ frame }: { readonly frame: Frame }): ReactElement {
  const { tabs, fixed, body, foot } = frame;
  return element(
    Box,
    { flexDirection: 'column' },
    row('tabs', tabs),
    ...fixed.map((text, at) => row(`fixed ${at}`, text)),
    ...body.map(({ text, chosen }, at) => row(`body ${at}`, text, chosen)),
    row('foot', foot),
  );
}

/** A line of the screen. ink draws an empty text with no height, so it becomes a space. */
function row(key: string, text: string, bold = false): ReactElement {
  return element(Text, { key, wrap: 'truncate', bold }, text === '' ? ' ' : text);
}

export interface Drawn {
  draw(frame: Frame): void;
  end(): void;
}

/** Draws on the terminal of standard output. */
export function drawn(first: Frame): Drawn {
  const tree = (frame: Frame): ReactElement => element(Screen, { frame });
  const app: Instance = render(tree(first), {
    exitOnCtrlC: false,
    patchConsole: false,
    incrementalRendering: true,
    maxFps: 30,
  });
  // Nobody awaits this promise: an error of ink is thrown outside of it, and ends the program as a defect.
  app.waitUntilExit().catch((error: unknown) => {
    setImmediate(() => {
      throw error;
    });
  });
  return { draw: (frame) => app.rerender(tree(frame)), end: () => app.unmount() };
}
