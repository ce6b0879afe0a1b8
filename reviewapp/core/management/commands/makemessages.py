"""Django's own command, which also knows the names that lazy messages have here, and guesses no translations."""

from django.core.management.commands import makemessages

# `from django.utils.translation import gettext_lazy as later`, beside `gettext as _` in the same module.
LAZY_NAMES = ("later", "_later")


class Command(makemessages.Command):
    xgettext_options = [*makemessages.Command.xgettext_options, *(f"--keyword={name}" for name in LAZY_NAMES)]
    # What is like another message is not the same message.
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]
