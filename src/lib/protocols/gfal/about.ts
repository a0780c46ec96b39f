export const about = { schemes: ['davs', 'dav', 'https', 'http', 'srm', 'gsiftp'] } as const;
