"""GNU gettext, which collects the texts that are translated."""

import shutil

from tests.services.installing import ServiceUnavailable, install_debian_package

HOW_TO_GET_IT = """No GNU gettext found (xgettext, msgmerge). Either of these provides it:
  apt-get install gettext           (Debian, as root)
  brew install gettext              (macOS)"""


def source() -> str:
    """Where the tools are; installed if need be. Raises ServiceUnavailable where they cannot be had."""
    for _attempt in range(2):
        found = shutil.which("xgettext")
        if found and shutil.which("msgmerge"):
            return found
        if not install_debian_package("gettext"):
            break
    raise ServiceUnavailable(HOW_TO_GET_IT)
