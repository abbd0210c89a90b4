import path from "node:path";
import { watch } from "chokidar";

export interface WatchOptions {
  readonly folders: readonly string[];
  /** Told of each file once it has been quiet for a moment: of many that change together, as at a checkout, of the last. */
  readonly onChange: (file: string) => void;
  readonly onError: (error: Error) => void;
}

const sources = /\.(?:[cm]?[jt]sx?|json)$|^\.env$/;
/** Folders that hold no sources: hidden ones, what is installed, what is built. */
const passedOver = /^(?:\..+|node_modules|dist|build|coverage)$/;
/** An editor that writes a file in several steps is done by then, and so are most checkouts. */
const quietMs = 100;

/** Watches the sources in these folders and all within. Resolves once it does. */
export async function watchSources({ folders, onChange, onError }: WatchOptions): Promise<{ close(): Promise<void> }> {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch([...folders], {
    ignoreInitial: true,
    ignored: (file, stats) => {
      if (folders.includes(file) || stats === undefined) return false;
      return stats.isFile() ? !sources.test(path.basename(file)) : passedOver.test(path.basename(file));
    },
  });
  watcher.on("all", (_, file) => {
    if (!sources.test(path.basename(file))) return;
    clearTimeout(timer);
    timer = setTimeout(() => onChange(file), quietMs);
  });
  watcher.on("error", (error) => onError(error as Error));
  await new Promise<void>((resolve) => watcher.once("ready", () => resolve()));
  return {
    async close() {
      clearTimeout(timer);
      await watcher.close();
    },
  };
}
