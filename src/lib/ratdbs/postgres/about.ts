export const about = { schemes: ['postgres', 'postgresql'] } as const;
