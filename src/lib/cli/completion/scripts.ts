// What a shell is told: each time it completes a line, it asks `dflow complete`. No candidate: names of files.

const BASH = `# Completion of dflow for bash. Put this line into ~/.bashrc:  source <(dflow completion bash)
_dflow() {
  local IFS=$'\\n'
  COMPREPLY=($("$1" complete bash "\${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null))
  # A list with commas goes on: no blank after it.
  [[ \${#COMPREPLY[@]} -ne 1 || \${COMPREPLY[0]} != */ ]] || compopt -o nospace
}
complete -o default -F _dflow dflow
`;

const ZSH = `#compdef dflow
# Completion of dflow for zsh. Put this line into ~/.zshrc, after compinit:  source <(dflow completion zsh)
_dflow() {
  local -a found
  found=("\${(@f)$("$words[1]" complete zsh "\${(j: :)words[1,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then
    _describe dflow found
  else
    _files
  fi
}
if [ "\${funcstack[1]}" = _dflow ]; then _dflow "$@"; else compdef _dflow dflow; fi
`;

const FISH = `# Completion of dflow for fish. Run once:  dflow completion fish > ~/.config/fish/completions/dflow.fish
function __dflow_complete
  set -l found (dflow complete fish (commandline -cp) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c dflow -f -a '(__dflow_complete)'
`;

export const SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH } as const;
