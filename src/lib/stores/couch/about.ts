export const about = { schemes: ['http', 'https'] } as const;
