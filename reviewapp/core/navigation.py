"""Where a person can go: their projects and, in each, the pages of their role."""

from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from reviewapp.core.models import Membership, Role

# Role to (label, name of the address); the first is where the person's work is.
PAGES = {
    Role.REVIEWER: ((_("Review"), "review"), (_("My day"), "mine")),
    Role.ADJUDICATOR: ((_("Adjudicate"), "review"), (_("My day"), "mine")),
    Role.OWNER: ((_("Console"), "console"),),
    Role.AUDITOR: ((_("Console"), "console"),),
}
SUMMARIES = {
    Role.REVIEWER: _("You review outputs, one at a time."),
    Role.ADJUDICATOR: _("You decide where reviewers disagree."),
    Role.OWNER: _("You own the review design: policies, rubrics, people."),
    Role.AUDITOR: _("You can read everything and change nothing."),
}


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Place:
    """One project as its member sees it in menus."""

    slug: str
    name: str
    role: str
    reviewing: bool
    summary: str
    links: tuple[Link, ...]


def places_of(person: Any) -> list[Place]:
    """The person's projects by name; one query, whatever their number."""
    memberships = Membership.objects.filter(person_id=person.pk).select_related("project").order_by("project__name")
    return [_place(membership) for membership in memberships]


def _place(membership: Membership) -> Place:
    role = Role(membership.role)
    slug = membership.project.slug
    links = [Link(str(label), url) for label, name in PAGES[role] if (url := _address(name, slug))]
    return Place(
        slug=slug,
        name=membership.project.name,
        role=str(role.label),
        reviewing=role in (Role.REVIEWER, Role.ADJUDICATOR),
        summary=str(SUMMARIES[role]),
        links=tuple(links),
    )


def _address(name: str, slug: str) -> str | None:
    """None for a page that this installation does not have."""
    try:
        return reverse(name, args=[slug])
    except NoReverseMatch:
        return None
