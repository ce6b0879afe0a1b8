"""Judges of ours: made, changed and switched off by owners; what a judge is, version by version."""

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from reviewapp.core.fingerprints import fingerprint
from reviewapp.core.models import Project
from reviewapp.core.services.audit import record
from routing.models import Judge, JudgeState, JudgeVersion
from routing.policy.document import PolicyDocument
from routing.services.judge_keys import KEY, KEY_VARIABLE, origin_of, sealed_for
from routing.services.outbound import outbound, parsed_target
from routing.services.targets import TargetRefused
from routing.services.two_persons import ActivationRefused

# What a judge is: a change makes another version of it.
IDENTITY = ("family", "base_url", "model", "instructions", "max_tokens")
# How it is used: changed in place.
SETTINGS = (
    "active",
    "key_env",
    "timeout_seconds",
    "runs",
    "requests_per_minute",
    "monthly_budget",
    "currency",
    "price_input",
    "price_output",
    "max_characters",
)
MOST_JUDGES = 50
# Stands for the page that makes one.
NO_NAME = "new"


class JudgeRefused(Exception):
    """The judge cannot be like this; `field` says where, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def create_judge(*, project: Project, name: str, actor: str, now: datetime, key: str = "", **fields: Any) -> Judge:
    """A judge in its first version. `fields`: see IDENTITY and SETTINGS. Raises JudgeRefused."""
    if name == NO_NAME:
        raise JudgeRefused("name", _("Another name, please: this one is an address of its own."))
    # Asks the resolver, so no lock is held meanwhile.
    _check_address(str(fields.get("base_url", "")))
    with transaction.atomic():
        return _create(project, name, actor, now, key, fields)


def _create(project: Project, name: str, actor: str, now: datetime, key: str, fields: Mapping[str, Any]) -> Judge:
    # Two at once must not both find the name free, nor the last place.
    Project.objects.select_for_update(no_key=True).get(pk=project.pk)
    known = Judge.objects.filter(project=project)
    if known.filter(name=name).exists():
        raise JudgeRefused("name", _("There is a judge of this name already."))
    if known.count() >= MOST_JUDGES:
        raise JudgeRefused("name", _("A project may have %(limit)s judges.") % {"limit": MOST_JUDGES})
    judge = Judge(project=project, name=name, created_at=now)
    version = JudgeVersion(judge=judge, number=1, created_by=actor, created_at=now)
    _apply(judge, version, key, fields)
    judge.save()
    version.judge = judge
    version.save(force_insert=True)
    Judge.objects.filter(pk=judge.pk).update(current=version)
    judge.current = version
    JudgeState.objects.create(judge=judge)
    record(
        project=project, actor=actor, verb="judge.created", target=f"judge:{judge.pk}", name=name, model=version.model
    )
    return judge


def change_judge(*, judge: Judge, actor: str, now: datetime, key: str | None = None, **fields: Any) -> Judge:
    """The judge with what is given changed; `key` "" takes the stored one away. Raises JudgeRefused.

    Another model, address or wording is another version: earlier verdicts stay with the one that gave them.
    The circuit closes, for what was wrong may be put right by this.
    """
    if "base_url" in fields:
        _check_address(str(fields["base_url"]))
    with transaction.atomic():
        return _change(judge, actor, now, key, fields)


def _change(judge: Judge, actor: str, now: datetime, key: str | None, fields: Mapping[str, Any]) -> Judge:
    judge = Judge.objects.select_for_update(of=("self",)).select_related("current", "project").get(pk=judge.pk)
    before = current_version(judge)
    version = JudgeVersion(judge=judge, number=before.number, created_by=actor, created_at=now)
    for name in IDENTITY:
        setattr(version, name, getattr(before, name))
    _apply(judge, version, key, fields)
    if origin_of(version.base_url) != origin_of(before.base_url) and judge.sealed_key and not key:
        raise JudgeRefused("key", _("The key is for another address. Enter the key for this one."))
    changed = sorted({name for name in fields if name in SETTINGS} | _changed(before, version))
    if version.digest != before.digest:
        latest = JudgeVersion.objects.filter(judge=judge).order_by("-number").first()
        version.number = (latest.number if latest else 0) + 1
        version.save(force_insert=True)
        judge.current = version
    judge.save()
    JudgeState.objects.filter(judge=judge).update(failures=0, open_until=None)
    record(
        project=judge.project,
        actor=actor,
        verb="judge.changed",
        target=f"judge:{judge.pk}",
        name=judge.name,
        version=current_version(judge).number,
        changed=changed,
        key_changed=key is not None,
    )
    return judge


def available_judges(project: Project, names: Iterable[str]) -> dict[str, Judge]:
    """The active judges of these names, with their current versions."""
    rows = Judge.objects.filter(project=project, name__in=list(names), active=True).select_related("current")
    return {judge.name: judge for judge in rows}


def check_judges(project: Project, document: PolicyDocument) -> None:
    """Raises ActivationRefused where the policy asks a judge that the project has not got, or has switched off."""
    there = available_judges(project, document.judges.names)
    if missing := [name for name in document.judges.names if name not in there]:
        raise ActivationRefused(
            _(
                "This policy asks judges that are not there or not active: %(names)s. "
                "Make them first, or every output would go to a person."
            )
            % {"names": ", ".join(missing)},
            code="judge_missing",
        )


def current_version(judge: Judge) -> JudgeVersion:
    if judge.current is None:
        raise RuntimeError(f"judge {judge.pk} has no version")
    return judge.current


def _changed(before: JudgeVersion, after: JudgeVersion) -> set[str]:
    return {name for name in IDENTITY if getattr(before, name) != getattr(after, name)}


def _apply(judge: Judge, version: JudgeVersion, key: str | None, fields: Mapping[str, Any]) -> None:
    """Set and check what is given. Raises JudgeRefused; nothing is stored."""
    for name, value in fields.items():
        if name not in IDENTITY and name not in SETTINGS:
            raise JudgeRefused(name, _("A judge has no such field."))
        setattr(version if name in IDENTITY else judge, name, value)
    _check_key(judge, version, key)
    _check_money(judge)
    if judge.runs % 2:
        raise JudgeRefused("runs", _("An even number: pairs are asked as often in one order as in the other."))
    version.digest = fingerprint({name: getattr(version, name) for name in IDENTITY})


def _check_address(url: str) -> None:
    try:
        target = parsed_target(url)
        outbound().check(url)
    except TargetRefused as error:
        raise JudgeRefused("base_url", str(error)) from None
    if target.query or target.fragment:
        raise JudgeRefused("base_url", _("The address ends before /chat/completions, without ? and #."))


def _check_key(judge: Judge, version: JudgeVersion, key: str | None) -> None:
    if judge.key_env and not KEY_VARIABLE.fullmatch(judge.key_env):
        raise JudgeRefused("key_env", _("The name of a variable that begins with JUDGE_KEY_, in capitals."))
    if key:
        if not KEY.fullmatch(key):
            raise JudgeRefused("key", _("A key is one word of printable ASCII characters, at most 1000."))
        if judge.key_env:
            raise JudgeRefused("key", _("The key comes from the environment or is stored here, not both."))
        judge.sealed_key = sealed_for(key, version.base_url)
    elif key is not None or judge.key_env:
        judge.sealed_key = ""


def _check_money(judge: Judge) -> None:
    prices = [Decimal(judge.price_input), Decimal(judge.price_output)]
    if judge.monthly_budget is not None and not all(price > 0 for price in prices):
        raise JudgeRefused("monthly_budget", _("A budget needs the prices of tokens: without them it bounds nothing."))


def environment() -> Mapping[str, str]:
    """Where the operator's keys are."""
    return os.environ
