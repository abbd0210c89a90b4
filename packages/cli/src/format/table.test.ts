import { expect, test } from "vitest";
import { alignTabs, table } from "./table.ts";

// What Go's text/tabwriter printed for each.
const printed: readonly (readonly [headers: readonly string[], rows: readonly (readonly string[])[], text: string])[] = [
  [
    ["ID", "Type", "Payload"],
    [
      ["a", "email:send", "x"],
      ["longer-id", "t", ""],
    ],
    "ID         Type        Payload  \n--         ----        -------  \na          email:send  x        \nlonger-id  t                    \n",
  ],
  [
    ["ID", "Last Error", "Retried"],
    [
      ["a", "one\ntwo\tthree", "1"],
      ["bb", "plain", "12"],
    ],
    "ID   Last Error  Retried  \n--   ----------  -------  \na    one\ntwo  three  1   \nbb   plain  12  \n",
  ],
  [
    ["\u00dcbergr\u00f6\u00dfe", "\u65e5\u672c"],
    [
      ["\u00e9", "\u65e5\u672c\u8a9e"],
      ["", "\ud83d\udc4d\ud83c\udffd"],
    ],
    "\u00dcbergr\u00f6\u00dfe     \u65e5\u672c      \n------------  ------  \n\u00e9             \u65e5\u672c\u8a9e     \n              \ud83d\udc4d\ud83c\udffd      \n",
  ],
  [
    ["A", "B", "C"],
    [
      ["1\n", "2", "3"],
      ["", "", ""],
      ["x\u000by", "\f", "z"],
      ["\t\t\t", "", "last"],
    ],
    "A  B  C  \n-  -  -  \n1\n   2  3  \n         \nx  y  \n  z  \n           last  \n",
  ],
  [["A"], [], "A  \n-  \n"],
  [
    ["A", "B"],
    [
      ["a\n\nb", "c"],
      ["d\fe", "f"],
    ],
    "A  B  \n-  -  \na\n\nb  c  \nd\ne  f  \n",
  ],
];

test.each(printed)("a table with the headers %j and the rows %j is as Go prints it", (headers, rows, text) => {
  expect(table(headers, rows)).toBe(text);
});

test("numbers are printed as they are, and dashes may all be of one length", () => {
  expect(table(["active", "completed"], [[1, 12345678901]], 11)).toBe(
    "active       completed    \n-----------  -----------  \n1            12345678901  \n",
  );
});

test("text without tabs stays as it is", () => {
  expect(alignTabs("a\nb\n")).toBe("a\nb\n");
});

test("a table may have a column for each of very many queues", () => {
  const names = Array.from({ length: 20_000 }, (_, nth) => `queue-${nth}`);
  const [header, , row] = table(names, [names.map((_, nth) => nth)]).split("\n");
  expect(header?.length).toBe(row?.length);
  expect(header?.endsWith("queue-19998  queue-19999  ")).toBe(true);
});

test("a page of very many rows may have a payload of a megabyte among them, of which its beginning is shown", () => {
  const rows = Array.from({ length: 1_000 }, (_, nth) => [`t${nth}`, nth === 500 ? "👍".repeat(500_000) : "x"]);
  const lines = table(["ID", "Payload"], rows).split("\n");
  expect(lines[502]).toMatch(/^t500 {2}(?:👍){5000}… {2}$/u);
  expect(table(["ID"], [["x".repeat(10_000)]])).toContain(`${"x".repeat(10_000)}  `);
  expect(table(["ID"], [[`x${"👍".repeat(5_000)}`]])).toMatch(/x(?:👍){4999}… {2}\n$/u);
});
