import { describe } from "vitest";
import { expect, test, token } from "../../../../test/support/gateway-test.ts";
import { type FetchRedisOptions, fetchRedis } from "./fetch.ts";

describe("fetchRedis", () => {
  test("posts JSON to the pipeline below the url, whatever its path and slashes, and asks for bytes", async ({ faults }) => {
    for (const path of ["", "/", "/redis", "/redis//"]) {
      faults.next({ status: 200, body: '[{"result":"UE9ORw=="}]' });
      const results = await fetchRedis({ url: faults.url + path, token }).send([["PING"]]);
      expect(results).toEqual([{ reply: new TextEncoder().encode("PONG") }]);
    }

    expect(faults.requests.map(({ path }) => path)).toEqual(["/pipeline", "/pipeline", "/redis/pipeline", "/redis/pipeline"]);
    expect(faults.requests[0]).toMatchObject({
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "upstash-encoding": "base64" },
      body: '[["PING"]]',
    });
  });

  test("takes a fetch of the caller's, called as nobody's member, and the global one of the moment otherwise", async ({ faults }) => {
    const urls: string[] = [];
    function own(this: unknown, url: string, init: RequestInit): Promise<Response> {
      expect(this).toBeUndefined();
      urls.push(url);
      return fetch(url, init);
    }
    await fetchRedis({ url: faults.url, token, fetch: own }).send([["PING"]]);
    expect(urls).toEqual([`${faults.url}/pipeline`]);

    const port = fetchRedis({ url: faults.url, token });
    const usual = globalThis.fetch;
    globalThis.fetch = (input, init) => {
      urls.push("the global one");
      return usual(input, init);
    };
    try {
      await port.send([["PING"]]);
    } finally {
      globalThis.fetch = usual;
    }
    expect(urls.at(-1)).toBe("the global one");
  });

  test("survives a fetch that fails in its own way, and shows nothing of it", async ({ faults }) => {
    const refuse = (error: unknown) =>
      fetchRedis({ url: faults.url, token, maxTries: 1, fetch: () => Promise.reject(error) }).send([["PING"]]);
    for (const error of [undefined, null, "text", new Error(`cannot reach ${token}`), { code: `Bearer ${token}` }]) {
      const failed: unknown = await refuse(error).catch((thrown: unknown) => thrown);
      expect(failed).toMatchObject({ message: "redis over HTTP: the connection failed", code: "REDIS", delivered: "unknown" });
      expect(failed).not.toHaveProperty("cause");
    }
  });

  test("does not wait for a fetch that ignores its signal, and has told it", async ({ faults }) => {
    let told: AbortSignal | undefined;
    const deaf = (_: string, { signal }: RequestInit): Promise<Response> => {
      told = signal!;
      return new Promise(() => {});
    };
    const giveUp = new AbortController();
    const sent = fetchRedis({ url: faults.url, token, fetch: deaf }).send([["PING"]], { signal: giveUp.signal });
    giveUp.abort();
    await expect(sent).rejects.toMatchObject({ code: "REDIS", delivered: "unknown" });
    expect(told!.aborted).toBe(true);
  });

  test.for<[string, Partial<Record<keyof FetchRedisOptions, unknown>>, string]>([
    ["no url", { url: undefined }, "url"],
    ["an empty url", { url: "" }, "url"],
    ["a url without a scheme", { url: "example.com" }, "url"],
    ["a url that is Redis' own", { url: "rediss://example.com" }, "url"],
    ["a url with credentials", { url: "https://user:hunter2@example.com" }, "url"],
    ["a url with a query", { url: "https://example.com?_token=hunter2" }, "url"],
    ["no token", { token: undefined }, "token"],
    ["an empty token", { token: "" }, "token"],
    ["a token with a line break", { token: "hunter2\n" }, "token"],
    ["a token that no header may hold", { token: "hunter2\u00fc" }, "token"],
  ])("refuses what cannot be used when it is made, by its name and never its value: %s", ([_, wrong, option]) => {
    let thrown: unknown;
    try {
      fetchRedis({ url: "https://example.com", token, ...wrong } as FetchRedisOptions);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: "INVALID_OPTION", option });
    expect(String(thrown)).not.toContain("hunter2");
  });
});
