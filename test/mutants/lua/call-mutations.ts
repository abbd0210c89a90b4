import type { CallExpression, Expression } from "luaparse";
import { type Mutation, rangeOf, withoutOne } from "./mutation.ts";

/** Commands that take the same words and do something else. */
const otherCommands: Readonly<Record<string, string>> = {
  LPUSH: "RPUSH",
  RPUSH: "LPUSH",
  RPOP: "LPOP",
  SADD: "SREM",
  SREM: "SADD",
  INCRBY: "DECRBY",
  ZRANGE: "ZREVRANGE",
};

/** How many words stand together behind a word of a command. */
const optionWords: Readonly<Record<string, number>> = { '"XX"': 1, '"GT"': 1, '"EX"': 2, '"LIMIT"': 3 };

/** What a call may lose or be mistaken for, it being made a number in any case or not. Its strings and numbers are mutated as any, but for the command's name. */
export function callMutations(call: CallExpression, lua: string, isCoerced: boolean): Mutation[] {
  const text = (node: Expression): string => lua.slice(...rangeOf(node));
  const replaced = (node: Expression, by: string): Mutation => {
    const [start, end] = rangeOf(node);
    return { start, end, text: by };
  };
  const [first, ...words] = call.arguments;
  const callee = text(call.base);
  switch (callee) {
    case "math.min":
      return [replaced(call.base, "math.max")];
    case "math.max":
      return [replaced(call.base, "math.min")];
    case "math.floor":
    case "math.abs":
      return [replaced(call, text(first!))];
    case "tonumber":
      return isCoerced ? [] : [replaced(call, text(first!))];
    case "redis.call":
    case "redis.pcall": {
      const command = text(first!).slice(1, -1);
      const other = otherCommands[command];
      return [
        ...(callee === "redis.pcall" ? [replaced(call.base, "redis.call")] : []),
        ...(other === undefined ? [] : [replaced(first!, `"${other}"`)]),
        ...withoutWords(command, words, text),
      ];
    }
    default:
      return [];
  }
}

/** Fields, keys and options of a command left out. */
function withoutWords(command: string, words: readonly Expression[], text: (word: Expression) => string): Mutation[] {
  const without = (from: number, count: number): Mutation => ({
    start: rangeOf(words[from - 1]!)[1],
    end: rangeOf(words[from + count - 1]!)[1],
    text: "",
  });
  switch (command) {
    case "HSET":
      return words.length < 5 ? [] : Array.from({ length: (words.length - 1) / 2 }, (_, i) => without(1 + 2 * i, 2));
    case "HDEL":
      return words.length < 3 ? [] : words.slice(1).map((_, i) => without(1 + i, 1));
    case "DEL":
    case "EXISTS":
      return withoutOne(words);
    default:
      return words.flatMap((word, i) => {
        const count = optionWords[text(word)];
        return i === 0 || count === undefined ? [] : [without(i, count)];
      });
  }
}
