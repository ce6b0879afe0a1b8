"""What both applications need: projects, people, keys, shared content and the audit log."""

import secrets

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

SLUG_PATTERN = r"^[a-z0-9](?:[a-z0-9-]{0,48}[a-z0-9])?$"


class PersonManager(BaseUserManager["Person"]):
    def create_user(self, email: str, password: str | None = None, **fields: object) -> "Person":
        person = self.model(email=email.strip().lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: object) -> "Person":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class Theme(models.TextChoices):
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class Person(AbstractBaseUser, PermissionsMixin):
    """A human being who signs in. What they may do in a project stands in their membership."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)
    # Preferences. Empty: as the browser says.
    language = models.CharField(max_length=10, blank=True)
    time_zone = models.CharField(max_length=64, blank=True)
    theme = models.CharField(max_length=5, choices=Theme, blank=True)
    # Keys of the review page that differ from its own: action to key.
    keys = models.JSONField(default=dict, blank=True)

    objects = PersonManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        verbose_name_plural = "people"

    def __str__(self) -> str:
        return self.name or self.email


def new_project_key() -> bytes:
    return secrets.token_bytes(32)


class Project(models.Model):
    """One AI feature under oversight. Everything belongs to exactly one project."""

    slug = models.CharField(max_length=50, unique=True, validators=[RegexValidator(SLUG_PATTERN)])
    name = models.CharField(max_length=200)
    # Keys the audit and overlap draws: whoever does not hold it cannot foresee who is audited.
    draw_key = models.BinaryField(default=new_project_key, editable=False)
    # Further names (products, vendors) to mask in what reviewers read.
    masked_names = models.JSONField(default=list, blank=True)
    # Members see no page of the project before they have set up a second factor; API keys and tokens are not asked.
    second_factor_required = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.slug


class Role(models.TextChoices):
    OWNER = "owner", _("Owner")
    REVIEWER = "reviewer", _("Reviewer")
    ADJUDICATOR = "adjudicator", _("Adjudicator")
    AUDITOR = "auditor", _("Auditor")


def new_rater_code() -> str:
    return f"r-{secrets.token_hex(4)}"


class Membership(models.Model):
    """One person's place in one project, with exactly one role."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="memberships")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    # Stands for the person wherever results are shown or exported.
    rater_code = models.CharField(max_length=20, default=new_rater_code, editable=False)
    daily_cap = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: the project's cap.")
    # Tiers of work this person may take; labeling matches them with a seat's credential.
    credentials = models.JSONField(default=list, blank=True)
    standby = models.BooleanField(
        default=False, help_text=_("Takes items only while somebody is away, or when the time to answer runs out.")
    )
    paused_at = models.DateTimeField(null=True, blank=True)
    pause_reason = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["project", "person"], name="one_membership_per_person"),
            models.UniqueConstraint(fields=["project", "rater_code"], name="rater_code_unique"),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.person} ({self.role} of {self.project})"


class Invitation(models.Model):
    """A link that makes whoever holds it a member, once. Only the digest of its token is stored."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField()
    role = models.CharField(max_length=20, choices=Role)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_known"),
            models.UniqueConstraint(
                fields=["project", "email"],
                condition=Q(accepted_at__isnull=True, revoked_at__isnull=True),
                name="one_open_invitation_per_address",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.role} of {self.project})"


class Scope(models.TextChoices):
    ROUTE = "route"
    READ = "read"
    GOLDENS = "goldens"
    ADMIN = "admin"


class ApiKey(models.Model):
    """A program's key to one project. Only its digest is stored."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    scopes = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.project}: {self.prefix}…"


class PersonToken(models.Model):
    """A person's key for their own scripts: it can do what the person can, no more."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="tokens")
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.person}: {self.prefix}…"


class TaskKind(models.TextChoices):
    POINTWISE = "pointwise"
    PAIRWISE = "pairwise"
    TRAJECTORY = "trajectory"


class Content(models.Model):
    """The words of one output: what a person would judge, and nothing about where it came from.

    `prompt` is text or a list of chat turns. `body` holds, by task kind, {"response": text},
    {"a": text, "b": text} or {"steps": [...]}. Kept apart so that no list and no claim reads it.
    """

    project = models.ForeignKey(Project, on_delete=models.PROTECT, related_name="+")
    task_kind = models.CharField(max_length=12, choices=TaskKind)
    prompt = models.JSONField()
    context = models.JSONField(default=list)
    body = models.JSONField()
    # SHA-256 of prompt, context and body: the same words have the same fingerprint.
    fingerprint = models.CharField(max_length=64, db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(task_kind__in=TaskKind.values), name="content_kind_known"),
        ]

    def __str__(self) -> str:
        return f"content {self.pk}"


class AuditEntry(models.Model):
    """Who changed what, when. Append-only: the database refuses anything else."""

    project = models.ForeignKey(Project, on_delete=models.PROTECT, null=True, related_name="+")
    actor = models.CharField(max_length=300, help_text="person:<id>, key:<prefix>, command or system")
    verb = models.CharField(max_length=60)
    target = models.CharField(max_length=120)
    data = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["project", "-id"], name="audit_by_project")]
        verbose_name_plural = "audit entries"

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.verb} {self.target}"
