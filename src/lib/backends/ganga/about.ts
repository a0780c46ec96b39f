const install = 'pip install ganga in a virtual environment, and `options: {ganga: /path/to/ganga}` of the farm';
export const about = {
  tools: [{ program: 'ganga', version: '"$1" --version', install, option: 'ganga' }],
} as const;
