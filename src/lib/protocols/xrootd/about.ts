const install = 'install the package xrootd-client';
export const about = {
  schemes: ['root', 'roots', 'xroot', 'xroots'],
  x509: ['roots', 'xroots'],
  tools: ['xrdcp', 'xrdfs'].map((program) => ({
    program,
    // xrdfs knows no such option, and comes with xrdcp.
    version: 'xrdcp --version',
    install,
  })),
} as const;
