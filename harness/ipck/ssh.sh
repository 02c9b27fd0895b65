# The far end of an ssh target: takes the program, runs it, and ends it with the connection.
#
# It comes over standard input itself (see remote.py), and so does all that follows, each when what was before is answered:
#   HASH SIZE ARGUMENTS..   answered "start", or "send" where no program with that hash is: then the program itself
#   what the program is to read, closed by the line "."
# Standard input stays open from then on: in no other way does sshd tell a command of the end of the connection.
# After "start" all output is the program's, and so is the exit status. Instead of an answer there may be "cannot WHY".
#
# The program stays for the next time, in a folder that nobody else can write to; what was not used for a week goes.
# shellcheck shell=sh

say() {
        echo "ipck-ssh $*"
}

# Whether $folder can hold $program; says why not.
usable() {
        mkdir -p "${folder%/*}" 2>&1 || return
        [ -d "$folder" ] || mkdir -m 700 "$folder" 2>&1 || [ -d "$folder" ] || return
        if [ -z "$(find "$folder" -prune -type d -user "$(id -u)" -perm 700)" ]; then
                echo "$folder is not a private folder of this user"
                return 1
        fi
        probe=$(mktemp "$folder/probe.XXXXXX" 2>&1) || {
                echo "$probe"
                return 1
        }
        chmod 700 "$probe"
        if ! [ -x "$probe" ]; then
                rm -f "$probe"
                echo "$folder: programs there cannot be executed (noexec)"
                return 1
        fi
        rm -f "$probe"
        df -Pk "$folder" | {
                read -r _
                read -r _ _ _ free _
                if ! [ -f "$program" ] && [ "$free" -le $((size / 1024)) ]; then
                        echo "$folder: $free KiB are free, the program needs $((size / 1024))"
                        return 1
                fi
        }
}

cd /
say machine "$(uname -m)"
read -r hash size arguments || exit 2

problems=
for parent in "${TMPDIR:-/tmp}" /var/tmp "${XDG_CACHE_HOME:-${HOME-}/.cache}"; do
        folder=$parent/ipck-$(id -u)
        program=$folder/$hash
        problem=$(usable) && break
        problems="$problems${problems:+; }$problem"
        folder=
done
if [ -z "$folder" ]; then
        say cannot "$problems"
        exit 2
fi

touch -c "$program"
if ! [ -f "$program" ]; then
        part=$(mktemp "$folder/part.XXXXXX")
        say send
        problem=$({ head -c "$size" >"$part"; } 2>&1)
        if [ "$(wc -c <"$part")" -ne "$size" ]; then
                rm -f "$part"
                say cannot "${problem:-$part: the program did not come whole}"
                exit 2
        fi
        chmod 755 "$part"
        mv "$part" "$program"
fi
find "$folder" -type f -mtime +6 -exec rm -f {} +

eval "set -- $(printf %b "$arguments")"
say start
input=$(mktemp "$folder/input.XXXXXX")
while IFS= read -r line && [ "$line" != . ]; do
        printf '%s\n' "$line"
done >"$input"
exec 3<"$input"
rm -f "$input"
"$program" "$@" <&3 &
program=$!
exec 3<&0
{
        exec <&3 >/dev/null 2>&1
        while read -r line; do
                :
        done
        kill -s KILL 0
} &
wait "$program"
