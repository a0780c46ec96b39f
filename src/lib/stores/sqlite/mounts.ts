// Which file system a path is on, from the text of /proc/self/mountinfo: SQLite's locks hold on one host only, so a
// store on a network file system is refused. Pure functions.

/** File systems that other hosts may have mounted too. `9p` is let pass as the root of a sandbox or virtual machine. */
const NETWORK =
  /^(nfs\d?|cifs|smb\d?|smbfs|afs|lustre|ceph|gpfs|beegfs|panfs|wekafs|pvfs2|orangefs|glusterfs|gfs2|ocfs2|coda|ncpfs|davfs|9p|acfs|fuse\.(sshfs|glusterfs|ceph|s3fs|goofys|rclone|davfs2?|xrootdfs|cvmfs2?|eosd?|eosxd|gcsfuse|blobfuse2?|mfs|moosefs|dcache|smbnetfs|curlftpfs|gvfsd-fuse|lizardfs|juicefs|beegfs|pvfs2fuse))$/;

interface Mount {
  readonly point: string;
  readonly type: string;
}

/** Mount points and types; octal escapes (`\040` for a space) are undone. */
export function parseMounts(mountinfo: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    const point = left?.split(' ')[4];
    const type = right?.split(' ')[0];
    if (!point || !type) continue;
    mounts.push({ point: point.replace(/\\([0-7]{3})/g, (_, o: string) => String.fromCharCode(parseInt(o, 8))), type });
  }
  return mounts;
}

/** The type of the network file system that holds `path` (absolute, links resolved); `undefined` on a local one. */
export function networkFileSystem(mountinfo: string, path: string): string | undefined {
  let best: Mount | undefined;
  for (const mount of parseMounts(mountinfo)) {
    const inside = mount.point === '/' || path === mount.point || path.startsWith(`${mount.point}/`);
    // Of mounts on the same point the last one covers the others.
    if (inside && mount.point.length >= (best?.point.length ?? 0)) best = mount;
  }
  if (!best || !NETWORK.test(best.type)) return undefined;
  return best.type === '9p' && best.point === '/' ? undefined : best.type;
}
