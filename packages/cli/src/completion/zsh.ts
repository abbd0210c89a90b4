import type { CompletionTree, Flags } from "./completion-tree.ts";

/** What zsh is told: `source <(asynqjs completion zsh)`. */
export function zshCompletion({ places, everywhere }: CompletionTree): string {
  const described = (words: readonly { readonly word: string; readonly about: string }[]): string =>
    words.map(({ word, about }) => quote(`${word.replaceAll(":", "\\:")}:${about}`)).join(" ");
  const moves = places.flatMap(({ path, commands }) =>
    commands.map((entry) => `      ${quote(`${path} ${entry.word}`)}) at=${quote(entry.path)} ;;`),
  );
  /** Each flag that takes a value, as it stands behind its command. */
  const valued = (does: (value: Flags["values"][number]) => string): string[] => [
    ...places.flatMap(({ path, values }) => values.map((value) => `      ${quote(`${path} ${value.flag}`)}) ${does(value)} ;;`)),
    ...everywhere.values.map((value) => `      *${quote(` ${value.flag}`)}) ${does(value)} ;;`),
  ];
  const takes = valued(() => "skip=$word");
  const offers = valued(({ choices, isFile }) => {
    const offer = isFile ? "_files" : choices.length === 0 ? ":" : `compadd -- ${choices.map(quote).join(" ")}`;
    return `${offer}; return`;
  });
  const words = places.map(({ path, commands, args, flags }) => {
    const names = [...commands, ...args.map((word) => ({ word, about: "" }))];
    return `    ${quote(path)}) names=(${described(names)}); flags=(${described(flags)}) ;;`;
  });
  return `#compdef asynqjs
# Completion of asynqjs for zsh. Now: source <(asynqjs completion zsh)
# For every shell: asynqjs completion zsh > "\${fpath[1]}/_asynqjs"
_asynqjs() {
  local at='asynqjs' word skip=''
  local -a names flags
  for word in "\${(@)words[2,CURRENT-1]}"; do
    if [[ -n $skip ]]; then skip=''; continue; fi
    case "$at $word" in
${[...moves, ...takes].join("\n")}
    esac
  done
  if [[ -n $skip ]]; then
    case "$at $skip" in
${offers.join("\n")}
    esac
  fi
  case "$at" in
${words.join("\n")}
  esac
  flags+=(${described(everywhere.flags)})
  if [[ $PREFIX == -* ]]; then _describe -o 'flag' flags; else _describe 'command' names; fi
}
if [[ "\${funcstack[1]}" == _asynqjs ]]; then _asynqjs "$@"; else compdef _asynqjs asynqjs; fi
`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
