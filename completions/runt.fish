# fish completion for runt, printed by "runt completion fish".

function __runt_words
    set -l words (commandline -opc)
    set -l program $words[1]
    set -e words[1]
    set -l current (commandline -ct)
    for line in ($program completion words $words "$current" 2>/dev/null)
        switch $line
            case :files :directories
                # The value of "--flag=VALUE" is completed by itself.
                set -l flag (string match -r -- '^-[^=]*=' "$current")
                set -l value (string replace -- "$flag" '' "$current")
                if test $line = :files
                    string replace -r -- '^' "$flag" (__fish_complete_path "$value")
                else
                    string replace -r -- '^' "$flag" (__fish_complete_directories "$value" '')
                end
            case '*'
                printf '%s\n' $line
        end
    end
end

complete -c runt -f -a '(__runt_words)'
