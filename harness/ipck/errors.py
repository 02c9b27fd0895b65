"""The one exception for everything a user can put right."""


class IpckError(Exception):
    """Bad input or a missing thing: each message names the thing and the remedy. Ends a command with status 2."""

    def __init__(self, *messages: str) -> None:
        super().__init__("\n".join(messages))
        self.messages = messages
