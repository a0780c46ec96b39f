const install = 'install gfal2, python3-gfal2 and the plugins of your protocols, or set GFAL_PYTHONBIN';
export const about = {
  schemes: ['davs', 'dav', 'https', 'http', 'srm', 'gsiftp'],
  x509: ['davs', 'https', 'srm', 'gsiftp'],
  tools: [
    {
      program: process.env.GFAL_PYTHONBIN ?? '/usr/bin/python3',
      version: '"$1" -c "import gfal2; print(gfal2.get_version())"',
      install,
    },
  ],
} as const;
