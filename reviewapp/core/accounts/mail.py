"""Mail that is ours; allauth writes its own."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string

from reviewapp.core.models import Invitation

logger = logging.getLogger(__name__)


def mail_invitation(*, invitation: Invitation, url: str, who: str) -> bool:
    """Send the link to the invited address; whether it went out. Without EMAIL_URL, or when the server refuses, no."""
    if not settings.SENDS_EMAIL:
        return False
    context = {"project": invitation.project.name, "role": invitation.get_role_display(), "url": url, "who": who}
    subject = " ".join(render_to_string("account/email/invitation_subject.txt", context).split())
    try:
        send_mail(subject, render_to_string("account/email/invitation_message.txt", context), None, [invitation.email])
    except (SMTPException, OSError):
        logger.exception("An invitation could not be mailed.")
        return False
    return True
