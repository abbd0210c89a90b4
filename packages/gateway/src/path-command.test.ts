import { expect, test } from "vitest";
import { readPathCommand, readPathNames } from "./path-command.ts";

const read = (target: string, body: string | Uint8Array = "") => readPathCommand(target, Buffer.from(body as string));

test.each<[target: string, command: unknown[]]>([
  ["/get/foo", ["get", "foo"]],
  ["/SET/foo/bar/EX/100", ["SET", "foo", "bar", "EX", "100"]],
  ["/zadd/teams/100/team-x", ["zadd", "teams", "100", "team-x"]],
  ["/hget/employee:23381/salary", ["hget", "employee:23381", "salary"]],
  ["/set/foo/bar?EX=100&NX", ["set", "foo", "bar", "EX", "100", "NX"]],
  ["/set/foo/bar?EX=&a=b=c", ["set", "foo", "bar", "EX", "", "a", "b=c"]],
  ["/set/foo/bar?_token=secret&EX=1", ["set", "foo", "bar", "EX", "1"]],
  ["/set/foo/bar?%5Ftoken=secret", ["set", "foo", "bar"]],
  ["/set/foo/bar?&&", ["set", "foo", "bar"]],
  ["/set/a%2Fb/%3F%20%25", ["set", "a/b", "? %"]],
  ["/set/a+b/c?x=a+b%2B", ["set", "a+b", "c", "x", "a b+"]],
  ["/set/gr%C3%BC%C3%9Fe/%F0%9F%98%80", ["set", "grüße", "😀"]],
  ["/set/foo/", ["set", "foo", ""]],
  ["/set//x", ["set", "", "x"]],
  ["/set/%00/a%FFb", ["set", "\0", Buffer.of(0x61, 0xff, 0x62)]],
])("%s is %o", (target, command) => {
  expect(read(target)).toEqual(command);
});

test("a body stands between the path and the parameters, byte for byte", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  expect(read("/set/foo?EX=100", bytes)).toEqual(["set", "foo", Buffer.from(bytes), "EX", "100"]);
});

test.each(["/", "//get/a", "/?EX=1"])("%s is an empty command", (target) => {
  expect(() => read(target)).toThrow(expect.objectContaining({ status: 400, message: "ERR empty command" }));
});

test.each(["/get/%", "/get/%g0", "/get/a?x=%4", "/%FF/a"])("%s cannot be read", (target) => {
  expect(() => read(target)).toThrow(expect.objectContaining({ status: 400, message: "ERR failed to parse command" }));
});

test("channels are named by the path", () => {
  expect(readPathNames("/subscribe/chat/a%2Fb?_token=x")).toEqual(["chat", "a/b"]);
  expect(() => readPathNames("/subscribe")).toThrow(expect.objectContaining({ status: 400 }));
  expect(() => readPathNames("/subscribe/%FF")).toThrow(expect.objectContaining({ status: 400 }));
});
