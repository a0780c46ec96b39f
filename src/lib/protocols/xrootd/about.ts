export const about = { schemes: ['root', 'roots', 'xroot', 'xroots'] } as const;
