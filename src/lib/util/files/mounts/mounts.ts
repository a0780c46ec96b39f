// What is mounted where, from the text of /proc/self/mountinfo. SQLite's locks hold on one host only, so
// a store on a network file system is refused; a folder that is mounted a second time is still the same folder.
import { readFile } from 'node:fs/promises';

/** File systems that other hosts may have mounted too. `9p` is let pass as the root of a sandbox or virtual machine. */
const NETWORK =
  /^(nfs\d?|cifs|smb\d?|smbfs|afs|lustre|ceph|gpfs|beegfs|panfs|wekafs|pvfs2|orangefs|glusterfs|gfs2|ocfs2|coda|ncpfs|davfs|9p|acfs|fuse\.(sshfs|glusterfs|ceph|s3fs|goofys|rclone|davfs2?|xrootdfs|cvmfs2?|eosd?|eosxd|gcsfuse|blobfuse2?|mfs|moosefs|dcache|smbnetfs|curlftpfs|gvfsd-fuse|lizardfs|juicefs|beegfs|pvfs2fuse))$/;

export interface Mount {
  readonly point: string;
  /** Numbers of the file system, `8:1`, and which of its folders is mounted. */
  readonly device: string;
  readonly root: string;
  readonly type: string;
}

/** The kernel's list of mounts; empty where it has none. */
export function mountinfo(): Promise<string> {
  return readFile('/proc/self/mountinfo', 'utf8').catch(() => '');
}

/** Every mount; octal escapes (`\040` for a space) are undone. */
export function parseMounts(mountinfo: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of mountinfo.split('\n')) {
    const [left, right] = line.split(' - ');
    const [, , device, root, point] = left?.split(' ') ?? [];
    const type = right?.split(' ')[0];
    if (!device || !root || !point || !type) continue;
    mounts.push({ point: plain(point), device, root: plain(root), type });
  }
  return mounts;
}

function plain(escaped: string): string {
  return escaped.replace(/\\([0-7]{3})/g, (_, o: string) => String.fromCharCode(Number.parseInt(o, 8)));
}

/** True when `path` is `folder` or below it; both absolute. */
export function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);
}

/** The mount that holds `path` (absolute, links resolved). Of mounts on one point the last covers the others. */
export function mountOf(mounts: readonly Mount[], path: string): Mount | undefined {
  let best: Mount | undefined;
  for (const mount of mounts) {
    if (isWithin(path, mount.point) && mount.point.length >= (best?.point.length ?? 0)) best = mount;
  }
  return best;
}

/** The type of the network file system that holds `path` (absolute, links resolved); `undefined` on a local one. */
export function networkFileSystem(mountinfo: string, path: string): string | undefined {
  const best = mountOf(parseMounts(mountinfo), path);
  return best && isNetwork(best) ? best.type : undefined;
}

function isNetwork({ type, point }: Mount): boolean {
  return NETWORK.test(type) && !(type === '9p' && point === '/');
}

/** True where something is mounted whose server or program may stop answering. */
export function mayFallSilent(mountinfo: string): boolean {
  return parseMounts(mountinfo).some((mount) => isNetwork(mount) || /^fuse(\.|$)/.test(mount.type));
}
