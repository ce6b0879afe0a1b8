"""Health, and the way in."""

from django.contrib.auth.decorators import login_required
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from reviewapp.core.navigation import places_of


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """The database answers and has every migration."""
    try:
        executor = MigrationExecutor(connection)
        pending = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    except Exception as error:  # whatever is wrong with the database, the answer is: not ready
        return JsonResponse({"status": "unavailable", "database": type(error).__name__}, status=503)
    ready = pending == 0
    return JsonResponse(
        {"status": "ok" if ready else "unavailable", "pending_migrations": pending}, status=200 if ready else 503
    )


class SignInForm(AuthenticationForm):
    """One message for every wrong pair, so that nobody learns which addresses are known."""

    error_messages = {
        "invalid_login": "This e-mail address and password do not go together. Check both and try again.",
        "inactive": "This e-mail address and password do not go together. Check both and try again.",
    }

    def clean_username(self) -> str:
        """Addresses are stored in lower case."""
        return str(self.cleaned_data["username"]).strip().lower()


class SignIn(LoginView):
    template_name = "login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True


class SignOut(LogoutView):
    """Signing out is a POST; who follows a bare link is asked first."""

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest) -> HttpResponse:
        return render(request, "logout.html")


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The person's projects. Whoever has nothing but one queue to work on goes straight to it."""
    places = places_of(request.user)
    if len(places) == 1 and places[0].reviewing:
        return redirect("review", places[0].slug)
    return render(request, "home.html", {"places": places})
