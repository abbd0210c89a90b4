import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { describe, expect, test } from "vitest";
import { schedulerEntry, serverInfo, taskMessages } from "../../../../test/support/wire/golden-vectors.ts";
import { encodeSchedulerEntry } from "./scheduler-entry.ts";
import { encodeServerInfo } from "./server-info.ts";

const folder = fileURLToPath(new URL(".", import.meta.url));

async function bundle(contents: string, { minify = false } = {}) {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: folder, loader: "ts" },
    bundle: true,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    minify,
    write: false,
    metafile: true,
  });
  const [output] = Object.values(metafile.outputs);
  const inputs = Object.entries(output!.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return { text: outputFiles[0]!.text, inputs: inputs.map(([file]) => file) };
}

/** Does in the Worker what Node's tests do here, and answers in hex and text. */
const worker = `
  import * as wire from "./index.ts";
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const attempt = (work) => { try { return work(); } catch (error) { return error.name + ": " + error.message; } };
  const patch = (bytes) => wire.patchTaskMessage(bytes, { retried: 9, errorMsg: "boom \\ud800", lastFailedAtSec: 2 ** 33 });
  const work = (bytes) => {
    const message = wire.decodeTaskMessage(bytes, "it");
    const { bytes: patched, textStart, textEnd } = patch(bytes);
    return {
      encoded: hex(wire.encodeTaskMessage(message).bytes),
      payload: hex(patched.subarray(textStart, textEnd)),
      patched: wire.decodeTaskMessage(patched, "it"),
    };
  };
  export default {
    async fetch(request) {
      const bytes = new Uint8Array(await request.arrayBuffer());
      const as = {
        task: () => work(bytes),
        server: () => hex(wire.encodeServerInfo(wire.decodeServerInfo(bytes, "it"))),
        entry: () => hex(wire.encodeSchedulerEntry(wire.decodeSchedulerEntry(bytes, "it"))),
      }[new URL(request.url).pathname.slice(1)];
      return Response.json({ userAgent: navigator.userAgent, answer: attempt(as) });
    },
  };
`;

describe.each(["2025-10-01", "2026-10-01"])("workerd as of %s", (compatibilityDate) => {
  test("encodes, patches and decodes as Node does", async () => {
    const { text: contents } = await bundle(worker);
    await using miniflare = disposable(
      new Miniflare({
        workers: [
          {
            config: {
              name: "wire",
              compatibilityDate,
              manifest: { mainModule: "main.js", modules: { "main.js": { type: "esm", contents } } },
            },
          },
        ],
      }),
    );
    const ask = async (what: string, hex: string): Promise<unknown> => {
      const response = await miniflare.dispatchFetch(`http://wire/${what}`, { method: "POST", body: Buffer.from(hex, "hex") });
      const { userAgent, answer } = (await response.json()) as { userAgent: string; answer: unknown };
      expect(userAgent).toBe("Cloudflare-Workers");
      return answer;
    };

    for (const { message, hex } of taskMessages)
      expect(await ask("task", hex)).toMatchObject({
        encoded: hex,
        payload: Buffer.from(message.payload ?? []).toString("hex"),
        patched: { id: message.id, queue: message.queue, retried: 9, errorMsg: "boom \ufffd", lastFailedAtSec: 2 ** 33 },
      });
    expect(await ask("server", serverInfo.hex)).toBe(Buffer.from(encodeServerInfo(serverInfo.message)).toString("hex"));
    expect(await ask("entry", schedulerEntry.hex)).toBe(Buffer.from(encodeSchedulerEntry(schedulerEntry.message)).toString("hex"));
    expect(await ask("task", "0a0174 1a0161 3a02ff61".replaceAll(" ", ""))).toBe("DecodeError: cannot decode it: a text is not UTF-8");
    expect(await ask("task", `0a01741a01613a40${"ff".repeat(64)}`)).toBe("DecodeError: cannot decode it: a text is not UTF-8");
    expect(await ask("task", "0a01741a0161408080808080808010")).toBe("DecodeError: cannot decode it: a number is beyond 2^53 - 1");
    expect(await ask("task", "0a")).toBe("DecodeError: cannot decode it: it ends inside a field");
  });
});

describe("the bundle of one that writes tasks", () => {
  test.each([
    ["./index.ts", "encodeTaskMessage"],
    ["./index.ts", "patchTaskMessage"],
    ["./encode-task-message.ts", "encodeTaskMessage"],
    ["./patch-task-message.ts", "patchTaskMessage"],
  ])("has no protobufjs when it takes from %s %s", async (module, name) => {
    const { inputs } = await bundle(`export { ${name} } from "${module}";`);
    expect(inputs.length).toBeGreaterThan(2);
    expect(inputs.filter((file) => file.includes("node_modules") || file.includes("generated"))).toEqual([]);
  });

  test("carries an encoder of little more than 1 kB, its errors included", async () => {
    const { text } = await bundle(`export { encodeTaskMessage } from "./index.ts";`, { minify: true });
    expect(gzipSync(text, { level: 9 }).length).toBeLessThan(1200);
  });
});

function disposable(miniflare: Miniflare): Miniflare & AsyncDisposable {
  return Object.assign(miniflare, { [Symbol.asyncDispose]: () => miniflare.dispose() });
}
