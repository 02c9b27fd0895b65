# Completion of ipck in fish by argcomplete, where the package python3-argcomplete is installed.
for register in register-python-argcomplete register-python-argcomplete3
    if command -q $register
        $register --shell fish ipck | source
        break
    end
end
