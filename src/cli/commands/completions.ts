// queuectl completions: prints scripts of a few lines, since the program itself proposes the words.
import { QueueError } from "../../queue/errors.ts";
import type { CommandContext } from "../command_context.ts";

// Bash makes `=` a word of its own; `queuectl complete` copes with that. Where nothing is proposed,
// bash offers files.
const BASH = `_queuectl() {
  local IFS=$'\\n'
  COMPREPLY=($(queuectl complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _queuectl queuectl
`;

const ZSH = `#compdef queuectl
_queuectl() {
  local -a lines words_ shown
  lines=("\${(@f)$(queuectl complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  lines=(\${lines:#})
  if (( \${#lines} == 0 )); then _files; return; fi
  words_=("\${(@)lines%%$'\\t'*}")
  shown=("\${(@)\${(@)lines//$'\\t'/  -- }%  -- }")
  compadd -l -d shown -a words_
}
if [ "\${funcstack[1]}" = _queuectl ]; then _queuectl "$@"; else compdef _queuectl queuectl; fi
`;

const FISH = `function __queuectl_complete
  set -l words (commandline -opc) (commandline -ct)
  queuectl complete -- $words[2..] 2>/dev/null
end
complete -c queuectl -n 'test -n "$(__queuectl_complete)"' -f -a '(__queuectl_complete)'
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

/** Prints a completion script. */
// deno-lint-ignore require-await
export async function completionsCommand(call: CommandContext): Promise<void> {
  const shell = call.args[0]!;
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined;
  if (script === undefined) {
    throw new QueueError(
      "usage",
      `There are completions for bash, zsh and fish, not for "${shell}"`,
    );
  }
  call.print(script);
}
