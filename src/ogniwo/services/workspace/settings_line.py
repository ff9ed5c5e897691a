"""One line of a workspace's settings file changed, and nothing else in it: what people wrote there stays as it is."""

import json
import re
import tomllib


def setting_line(key: str, value: str | list[str]) -> str:
    """The line that gives a key of the settings this value, with its end."""
    return f"{key} = {json.dumps(value, ensure_ascii=False)}\n"


def with_setting(text: str, key: str, value: str | list[str] | None) -> str | None:
    """Settings with another value of a key, or without it; None when only a person can change them.

    The line stands first, where no table of TOML can swallow it. What was changed is read again and has to say the same
    as before but for the key.
    """
    own = re.compile(rf"^{key}[ \t]*=[ \t]*+(\[[^\]]*\][ \t]*|[^\[\n].*)$\n?", re.MULTILINE)
    changed = ("" if value is None else setting_line(key, value)) + own.sub("", text, count=1)
    try:
        wanted = {name: one for name, one in tomllib.loads(text).items() if name != key}
        if value is not None:
            wanted[key] = value
        return changed if tomllib.loads(changed) == wanted else None
    except tomllib.TOMLDecodeError:
        return None
