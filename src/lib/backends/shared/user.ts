// Who we are on this host.
import { userInfo } from 'node:os';

/** The user's name, or the number where the system knows no name (containers). */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
