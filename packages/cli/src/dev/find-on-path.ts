import { accessSync, constants, statSync } from "node:fs";
import path from "node:path";

/** The file that a command's name stands for in the folders of a PATH. */
export function findOnPath(name: string, folders: string | undefined): string | undefined {
  for (const folder of (folders ?? "").split(path.delimiter)) {
    const file = path.join(folder, name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}
