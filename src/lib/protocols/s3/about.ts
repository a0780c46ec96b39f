// Signed by keys of its own: no certificate, no tool.
export const about = { schemes: ['s3'] } as const;
