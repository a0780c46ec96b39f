// A mounted folder needs no tool: the job wrapper itself reads and writes below a path.
export const about = { schemes: ['file'], mounted: true } as const;
