import { expect, test } from "vitest";
import { bearer, pipelineUrl } from "./http-endpoint.ts";

test.each([
  ["https://redis.example", "https://redis.example/pipeline"],
  ["HTTP://redis.example:8079/", "HTTP://redis.example:8079/pipeline"],
  ["https://redis.example/below//", "https://redis.example/below/pipeline"],
  ["https://redis.example/a/b", "https://redis.example/a/b/pipeline"],
  ["https://redis.example/a@b", "https://redis.example/a@b/pipeline"],
])("commands for %s are posted to %s", (url, expected) => {
  expect(pipelineUrl("url", url)).toBe(expected);
});

test.each([
  undefined,
  5,
  new URL("https://redis.example"),
  "",
  "redis.example",
  "redis://redis.example",
  "xhttps://redis.example",
  "https://",
  "https://user:secret@redis.example",
  "https://redis.example?token=secret",
  "https://redis.example/a?token=secret",
  "https://redis.example/a#secret",
  "https://redis.example#secret",
  "https:redis.example",
  "https://redis.example:secret",
])("a url like %s is refused by its name, and told to nobody", (url) => {
  expect(() => pipelineUrl("redis.url", url)).toThrow(
    expect.objectContaining({
      code: "INVALID_OPTION",
      message: "invalid redis.url: expected an http(s) URL without credentials, query or fragment",
    }),
  );
});

test("a token is what the header says", () => {
  expect(bearer("token", "a!~/+=")).toBe("Bearer a!~/+=");
});

test.each([undefined, 5, "", " ", "a b", "secret\n", "\u00e9", "\u007f", " a"])(
  "a token like %j is refused by its name, and told to nobody",
  (token) => {
    expect(() => bearer("token", token)).toThrow(
      expect.objectContaining({ message: "invalid token: expected one or more printable characters without spaces" }),
    );
  },
);
