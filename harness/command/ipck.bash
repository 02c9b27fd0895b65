# Completion of ipck in bash by argcomplete, where the package python3-argcomplete is installed.
for _ipck_register in register-python-argcomplete register-python-argcomplete3; do
        if command -v "$_ipck_register" >/dev/null; then
                eval "$("$_ipck_register" ipck)"
                break
        fi
done
unset _ipck_register
