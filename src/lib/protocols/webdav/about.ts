// Only where the configuration names it: the same addresses are gfal2's, which asks for a proxy and copies between servers.
export const about = { schemes: [] } as const;
