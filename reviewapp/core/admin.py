"""The admin, cut to what its visitor owns: everybody sees the rows of their own projects, superusers see all."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from allauth.usersessions.models import UserSession
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import Group
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse

from reviewapp.core.models import (
    ApiKey,
    AuditEntry,
    Content,
    Invitation,
    Membership,
    Person,
    PersonToken,
    Project,
    Role,
)
from reviewapp.core.parsers import unstorable
from reviewapp.core.services.audit import record

if TYPE_CHECKING:
    AnyModelAdmin = admin.ModelAdmin[Any]
    AnyModelForm = forms.ModelForm[Any]
else:
    # Generic in their type stubs only.
    AnyModelAdmin = admin.ModelAdmin
    AnyModelForm = forms.ModelForm


def sign_in_for_admin(request: HttpRequest) -> HttpResponse:
    """The admin's way in is the one for everything else; whoever is in already and not staff finds nothing."""
    if request.user.is_authenticated:
        raise Http404("no admin for this person")
    return redirect_to_login(request.GET.get("next", reverse("admin:index")), reverse("login"))


def owned_projects(request: HttpRequest) -> QuerySet[Project]:
    """The projects whose rows this person may see here."""
    if getattr(request.user, "is_superuser", False):
        return Project.objects.all()
    return Project.objects.filter(memberships__person=request.user.pk, memberships__role=Role.OWNER)


def refuse_unstorable(value: Any) -> None:
    """Raises ValidationError for JSON that no database keeps: NaN, NUL characters, lone surrogates."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise ValidationError("NaN and Infinity are not JSON numbers.") from None
    if fault := unstorable(value):
        raise ValidationError(f"{fault['pointer']}: {fault['detail']}")


class OwnedAdmin(AnyModelAdmin):
    """Rows of the visitor's own projects, to be read. `project_path` leads from a row to its project.

    Nothing is added, changed or deleted unless a subclass says so.
    """

    project_path = "project"
    list_per_page = 50
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        if getattr(request.user, "is_superuser", False):
            return rows
        return rows.filter(**{f"{self.project_path}__in": owned_projects(request)})

    def has_module_permission(self, request: HttpRequest) -> bool:
        return owned_projects(request).exists()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return owned_projects(request).exists()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Never offer a project that is not the visitor's."""
        if db_field.related_model is Project:
            options["queryset"] = owned_projects(request)
        return super().formfield_for_foreignkey(db_field, request, **options)

    @staticmethod
    def actor(request: HttpRequest) -> str:
        """How the audit log names the visitor."""
        return f"person:{request.user.pk}"


def read_only(
    model: type[Model],
    *columns: str,
    project_path: str = "project",
    hidden: Sequence[str] = (),
    **options: Any,
) -> None:
    """Register a model whose rows are only ever read here."""
    related = [field.name for field in model._meta.concrete_fields if field.is_relation and field.name in columns]
    members = {
        "project_path": project_path,
        "list_display": columns or ("__str__",),
        "list_select_related": related or False,
        "exclude": tuple(hidden),
        **options,
    }
    admin.site.register(model, type(f"{model.__name__}Admin", (OwnedAdmin,), members))


class PersonForm(BaseUserCreationForm):
    class Meta:
        model = Person
        fields = ("email", "name")


@admin.register(Person)
class PersonAdmin(UserAdmin):
    """Accounts are the superuser's; owners manage people in the console."""

    add_form = PersonForm
    ordering = ("email",)
    list_display = ("email", "name", "is_active", "is_staff", "is_superuser")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "name")
    filter_horizontal = ()
    readonly_fields = ("last_login", "created_at")
    fieldsets = (
        (None, {"fields": ("email", "name", "password")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "created_at")}),
    )
    add_fieldsets = ((None, {"fields": ("email", "name", "password1", "password2")}),)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """People stay, as what they did stays; take away `is_active` instead."""
        return False


class WordListsForm(AnyModelForm):
    """Every JSON field is a list of words."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in [name for name, field in self.fields.items() if isinstance(field, forms.JSONField)]:
            words = cleaned.get(name, [])
            if not isinstance(words, list) or not all(isinstance(word, str) and word.strip() for word in words):
                self.add_error(name, 'This is a list of words, such as ["first", "second"], or [].')
                continue
            try:
                refuse_unstorable(words)
            except ValidationError as error:
                self.add_error(name, error)
        return cleaned


class OwnedSettingsAdmin(OwnedAdmin):
    """A few fields that may be changed here, with a line in the audit log."""

    form = WordListsForm
    changeable: Sequence[str] = ()
    verb = ""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [str(name) for name in self.get_fields(request, obj) if name not in self.changeable]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        project = obj if isinstance(obj, Project) else obj.project
        after = {name: form.cleaned_data[name] for name in form.changed_data}
        record(
            project=project,
            actor=self.actor(request),
            verb=self.verb,
            target=f"{self.opts.label_lower}:{obj.pk}",
            **after,
        )


@admin.register(Project)
class ProjectAdmin(OwnedSettingsAdmin):
    project_path = "pk"
    changeable = ("name", "masked_names")
    verb = "project.changed"
    fields = ("slug", "name", "masked_names", "second_factor_required", "created_at")
    list_display = ("slug", "name", "created_at")


@admin.register(Membership)
class MembershipAdmin(OwnedSettingsAdmin):
    """Roles and pauses are changed in the console; caps and credentials of one person here."""

    changeable = ("daily_cap", "credentials", "standby")
    verb = "member.changed"
    fields = (
        "project",
        "person",
        "role",
        "rater_code",
        "daily_cap",
        "credentials",
        "standby",
        "paused_at",
        "pause_reason",
        "created_at",
    )
    list_display = ("person", "project", "role", "rater_code", "daily_cap", "paused_at")
    list_select_related = ("person", "project")
    list_filter = ("role",)


class PersonTokenAdmin(AnyModelAdmin):
    """Tokens belong to no project, so only the superuser sees them."""

    list_display = ("prefix", "person", "created_at", "revoked_at")
    list_select_related = ("person",)
    exclude = ("digest",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


admin.site.register(PersonToken, PersonTokenAdmin)
admin.site.unregister(Group)
# Sign-in secrets and the like: seen and changed by the person alone, or with the commands in docs/accounts.md.
for model in (EmailAddress, Authenticator, SocialAccount, SocialApp, SocialToken, UserSession):
    admin.site.unregister(model)
admin.site.site_header = admin.site.site_title = "Oversight"
admin.site.index_title = "Your projects"
read_only(ApiKey, "prefix", "project", "name", "scopes", "created_at", "revoked_at", hidden=("digest",))
read_only(Invitation, "email", "project", "role", "created_at", "expires_at", "accepted_at", hidden=("digest",))
read_only(AuditEntry, "at", "project", "actor", "verb", "target", ordering=("-id",))
read_only(Content, "id", "project", "task_kind", "fingerprint", ordering=("-id",))
